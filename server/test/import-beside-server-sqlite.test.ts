import { importBesideServerSuite } from './import-beside-server-suite.ts'
import { onStore } from './stores.ts'

onStore('SQLite', importBesideServerSuite)
