import { listOrderSuite, RANGE_ROWS } from '../../test/list-order-suite.ts'
import { eachStore } from '../../test/stores.ts'

eachStore((get) => listOrderSuite(get, 24), { rangeRows: RANGE_ROWS })
