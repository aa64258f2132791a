import { busyStoreSuite } from './busy-store-suite.ts'
import { onStore } from './stores.ts'

onStore('PostgreSQL', busyStoreSuite)
