import { erasureSuite } from './erasure-suite.ts'
import { onStore } from './stores.ts'

onStore('SQLite', erasureSuite, { rangeRows: 20 })
