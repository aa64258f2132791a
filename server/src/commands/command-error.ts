/** A command that cannot do what it was asked: one sentence, what is wrong and what to do. */
export class CommandError extends Error {
  readonly exitCode: 1 | 2

  /** @param exitCode 1 for a failure, 2 for wrong usage */
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message)
    this.exitCode = exitCode
  }
}
