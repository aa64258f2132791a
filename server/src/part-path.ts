import { randomBytes } from 'node:crypto'

/** Where a file is made before it takes its place: beside it, under a name that nobody else has. */
export const partPathOf = (path: string): string => `${path}.${randomBytes(4).toString('hex')}.part`
