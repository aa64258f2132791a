import { cdnowSuite } from './cdnow-suite.ts'
import { onStore } from './stores.ts'

// The purchases of CDNOW's customers are not ours to publish: this file tests where the variable names them.
const path = process.env.CDNOW_CSV
if (path) onStore('SQLite', (get) => cdnowSuite(get, path))
