import { existsSync } from 'node:fs'
import { dirname } from 'node:path'

/** A command that cannot do what it was asked: one sentence, what is wrong and what to do. */
export class CommandError extends Error {
  readonly exitCode: 1 | 2

  /** @param exitCode 1 for a failure, 2 for wrong usage */
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** What the file system says of a file that a command writes; of a folder that is not there its name. */
export function cannotWrite(path: string, error: unknown): CommandError {
  const folder = dirname(path)
  const reason = existsSync(folder) ? (error instanceof Error ? error.message : error) : `there is no folder ${folder}`
  return new CommandError(`Cannot write ${path}: ${reason}`)
}
