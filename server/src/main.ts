import { writeSync } from 'node:fs'
import { debuglog } from 'node:util'
import { printable } from './commands/output.ts'
import { createProgram } from './commands/program.ts'

// The process of `dynamo`: the command line, and the exit code, 0, 1 (a failure) or 2 (wrong usage).

// who reads only the first lines of what a command prints has closed the pipe
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  writeSync(2, `Cannot write to standard output (${error.code}): what the command did until then stays done\n`)
  process.exit(1)
})

try {
  await createProgram().parseAsync()
} catch (error) {
  process.exitCode = tell(error)
}

/** @returns the exit code */
function tell(error: unknown): number {
  debuglog('dynamo')('%o', error)
  const { code, exitCode, statusCode, message } = (
    error instanceof Error ? error : new Error(String(error))
  ) as Error & {
    code?: string
    exitCode?: number
    statusCode?: number
  }
  // commander has said what is wrong, or printed the help that was asked for
  if (code?.startsWith('commander.')) return exitCode === 0 ? 0 : 2
  const isBusy = statusCode === 503 && message === 'Try again'
  const sentence = isBusy ? 'The store is busy: try again' : message || code || 'Something failed'
  process.stderr.write(`${printable(sentence.replaceAll(/\s*\n\s*/g, '; '))}\n`)
  return exitCode ?? 1
}
