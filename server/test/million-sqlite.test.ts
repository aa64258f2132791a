import { millionSuite } from './million-suite.ts'
import { onStore } from './stores.ts'

onStore('SQLite', millionSuite)
