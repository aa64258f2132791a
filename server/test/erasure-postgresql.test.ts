import { erasureSuite } from './erasure-suite.ts'
import { onStore } from './stores.ts'

onStore('PostgreSQL', erasureSuite, { rangeRows: 20 })
