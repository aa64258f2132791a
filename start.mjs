import { fileURLToPath } from 'node:url'
import { endWithNpm } from './end-with-npm.mjs'
import { ensureInstalled } from './install.mjs'

// `npm start`: installs what is missing, then `dynamo serve`, with the sample organization where the store is empty.

ensureInstalled({ development: false })
endWithNpm()

const dynamo = new URL('./server/bin/dynamo.mjs', import.meta.url)
process.argv = [process.execPath, fileURLToPath(dynamo), 'serve', '--with-sample', ...process.argv.slice(2)]
await import(dynamo.href)
