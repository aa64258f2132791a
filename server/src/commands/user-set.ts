import { userInfo } from 'node:os'
import { parseBirthday } from '../users/birthday.ts'
import type { Field } from '../users/resolve.ts'
import { CommandError } from './command-error.ts'
import { findOrganization } from './find.ts'
import { answer, type CommonOptions, printable } from './output.ts'
import { checkText } from './texts.ts'
import { withStore } from './with-store.ts'

interface Options extends CommonOptions {
  organization: string
  birthday?: string
  firstName?: string
  lastName?: string
  clear: Field[]
}

/** What an operator enters is trusted most. Prints what the user's fields are then. */
export async function run(cuid: string, options: Options): Promise<void> {
  const claims = claimsOf(options)
  const fields = await withStore(async (store) => {
    const { orgId } = await findOrganization(store, options.organization)
    return await store.write('setPersonalInformation', { orgId, cuid, author: operator(), claims })
  })
  if (fields === null) throw new CommandError(`The organization has no user ${printable(cuid)}`)
  const lines = Object.entries(fields).map(([field, value]) => `${field}: ${printable(value ?? 'not known')}`)
  answer(options, lines.join('\n'), { cuid, ...fields })
}

/** @throws CommandError (wrong usage) where a value is none, nothing is said, or one field is both set and cleared */
function claimsOf({ birthday, firstName, lastName, clear }: Options) {
  const set: { field: Field; value: string }[] = []
  if (firstName !== undefined) set.push({ field: 'firstName', value: nameOf('--first-name', firstName) })
  if (lastName !== undefined) set.push({ field: 'lastName', value: nameOf('--last-name', lastName) })
  if (birthday !== undefined) set.push({ field: 'birthday', value: birthdayOf(birthday) })
  const both = set.find(({ field }) => clear.includes(field))
  if (both) throw new CommandError(`${both.field} is both set and cleared`, 2)
  const claims = [...set, ...new Set(clear).values().map((field) => ({ field, value: null }))]
  if (claims.length === 0) {
    throw new CommandError('Say what to set: --birthday, --first-name, --last-name or --clear', 2)
  }
  return claims
}

function nameOf(option: string, text: string): string {
  const name = checkText(option, text)
  if (name.trim() === '') throw new CommandError(`${option} is blank: --clear takes a name back`, 2)
  return name
}

function birthdayOf(text: string): string {
  const birthday = parseBirthday(text, Temporal.Now.plainDateISO('UTC'))
  if (birthday !== null) return birthday
  throw new CommandError(
    `${printable(text)} is no birthday: give YYYY-MM-DD, from 1900 to today, or --MM-DD without a year`,
    2,
  )
}

/** Whom the system knows as the one who runs the command. */
function operator(): string {
  try {
    return userInfo().username
  } catch {
    // in a container a user may have no name
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
