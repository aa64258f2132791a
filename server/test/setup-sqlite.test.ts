import { setupSuite } from './setup-suite.ts'
import { onStore } from './stores.ts'

onStore('SQLite', setupSuite)
