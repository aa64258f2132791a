import { crashSuite } from './crash-suite.ts'
import { eachStore } from './stores.ts'

eachStore((get) => crashSuite(get, 4))
