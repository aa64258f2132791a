import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRouteTable } from './route-table.ts'

const table = createRouteTable()
table.add('/users', ['GET', 'HEAD'])
table.add('/users', 'POST')
table.add('/users/:id', 'PATCH')
table.add('/', 'GET')

const CASES: [string, string | null][] = [
  ['/users', 'GET, HEAD, OPTIONS, POST'],
  ['/users/', 'GET, HEAD, OPTIONS, POST'],
  ['/users?a=/x', 'GET, HEAD, OPTIONS, POST'],
  ['/%75sers', 'GET, HEAD, OPTIONS, POST'],
  ['/users/7', 'OPTIONS, PATCH'],
  ['/users/7/x', null],
  ['/', 'GET, OPTIONS'],
  ['/?x', 'GET, OPTIONS'],
  ['*', null],
  ['', null],
  ['/constructor', null],
]

for (const [address, allow] of CASES) {
  test(`the address ${JSON.stringify(address)} ${allow === null ? 'has no methods' : `allows ${allow}`}`, () => {
    assert.equal(table.allow(address), allow)
  })
}
