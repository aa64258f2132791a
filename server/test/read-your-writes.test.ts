import { readYourWritesSuite } from './read-your-writes-suite.ts'
import { eachStore } from './stores.ts'

eachStore((get) => readYourWritesSuite(get, 400))
