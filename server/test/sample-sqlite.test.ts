import { sampleSuite } from './sample-suite.ts'
import { onStore } from './stores.ts'

onStore('SQLite', sampleSuite)
