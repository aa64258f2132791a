import { isSameSecret } from '../http/same-secret.ts'
import type { Secrets } from '../secrets.ts'

/** What an address of a file is for, and until when. */
export interface FileAddress {
  organizationId: string
  fileName: string
  /** epoch seconds */
  expires: number
}

/** `/exports/{organization}/{file}?expires=…&signature=…`: who has it may fetch the file, and nobody can make another. */
export function toPath(secrets: Secrets, address: FileAddress): string {
  const { organizationId, fileName, expires } = address
  return `/exports/${organizationId}/${fileName}?expires=${expires}&signature=${secrets.signAddress(textOf(address))}`
}

/** Whether we made this address. */
export function isOurs(secrets: Secrets, address: FileAddress, signature: string): boolean {
  return isSameSecret(signature, secrets.signAddress(textOf(address)))
}

const textOf = ({ organizationId, fileName, expires }: FileAddress) =>
  JSON.stringify([organizationId, fileName, expires])
