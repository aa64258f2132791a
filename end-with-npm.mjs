const LOOK_EVERY_MS = 200

/**
 * Lets SIGTERM reach this process when it is sent to `npm start` or `npm test`.
 *
 * npm hands it to the shell between us, which dies of it and tells nobody: without this a server would go on and keep
 * its port. The shell's end is all that can be seen, as a new parent.
 */
export function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return
  const shell = process.ppid
  const look = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(look)
    process.kill(process.pid, 'SIGTERM')
  }, LOOK_EVERY_MS)
  look.unref()
}
