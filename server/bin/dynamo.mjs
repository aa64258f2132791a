#!/usr/bin/env node
import { spawn } from 'node:child_process'
import module from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { nodeBinary, runsOnNode26 } from '../../install.mjs'

// The command `dynamo`. Under npm and npx `node` is already the Node that npm installed, and main.ts runs right here;
// under an older Node a second process runs it, which gets our signals and whose exit code is ours.

if (runsOnNode26()) {
  // Compiled code is kept for the next start, where nobody else can write, as they can in the shared temporary folder.
  module.enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/dynamo', import.meta.url)))
  await import('../src/main.ts')
} else {
  const child = spawn(nodeBinary(), [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`Node 26 does not run on this machine (${error.message}); on Linux it needs glibc.\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal]
  })
}
