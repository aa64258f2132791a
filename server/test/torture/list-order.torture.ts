import { listOrderSuite, RANGE_ROWS } from '../list-order-suite.ts'
import { eachStore } from '../stores.ts'

eachStore((get) => listOrderSuite(get, 1_000), { rangeRows: RANGE_ROWS })
