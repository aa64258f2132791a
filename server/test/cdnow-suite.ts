import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { dynamo, dynamoPrints, getSigned, serveDynamo } from './cli.ts'
import type { TestStore } from './stores.ts'

interface Customer {
  cents: bigint
  lastPurchase: string
}

interface Row {
  conversationId: string
  cuid: string
  userName: string
  lastPurchaseTimestamp: number
}

/** `customerId,date,quantity,revenue`, summed in whole cents and without any part of the product. */
function sumUp(lines: string[]): Map<string, Customer> {
  const customers = new Map<string, Customer>()
  for (const line of lines) {
    const [id = '', date = '', , revenue = ''] = line.split(',')
    const customer = customers.get(id) ?? { cents: 0n, lastPurchase: '' }
    const [units = '', cents = ''] = revenue.split('.')
    assert.match(revenue, /^\d+\.\d\d$/)
    customer.cents += BigInt(units) * 100n + BigInt(cents)
    if (date > customer.lastPurchase) customer.lastPurchase = date
    customers.set(id, customer)
  }
  return customers
}

async function walk(
  list: string,
  key: { apiKey: string; secret: string },
): Promise<{ rows: Row[]; totals: Set<number> }> {
  const rows: Row[] = []
  const totals = new Set<number>()
  for (let offset: number | null = 0; offset !== null; ) {
    type Page = { items: Row[]; total: number; nextOffset: number | null; mayHaveMore: boolean }
    const page: Page = await getSigned<Page>(`${list}&limit=997&offset=${offset}`, key)
    rows.push(...page.items)
    totals.add(page.total)
    offset = page.mayHaveMore ? page.nextOffset : null
  }
  return { rows, totals }
}

/** @param path the file, whose rows are `customerId,date,quantity,revenue` */
export function cdnowSuite(get: () => TestStore, path: string): void {
  test("CDNOW's customers, imported by the command line, are in the list that their purchases sum to", async () => {
    const { env } = get()
    const lines = (await readFile(path, 'utf8')).trim().split(/\r?\n/).slice(1)
    const customers = sumUp(lines)
    const inFolder = (name: string) => join(env.DYNAMO_DATA_DIR ?? '', name)
    const organization = await dynamoPrints(env, ['organization', 'create', '--name', 'CDNOW'])
    const of = ['--organization', organization]
    const channel = await dynamoPrints(env, [
      ...['channel', 'create', ...of, '--type', 'FB_PAGE', '--platform-id', '1997', '--name', 'CDNOW'],
    ])
    const workspace = await dynamoPrints(env, [
      ...['workspace', 'create', ...of, '--name', 'VIPs', '--type', 'VIP', '--vip-indicator', 'ltv >= 100'],
    ])
    await dynamoPrints(env, ['channel', 'connect', '--workspace', workspace, '--channel', channel])
    const key = JSON.parse(await dynamoPrints(env, ['key', 'create', ...of, '--scope', 'read']))

    const purchases = lines.map((line, index) => {
      const [id, date, , revenue] = line.split(',')
      return `${id},${revenue},${date},line-${index + 2}\n`
    })
    await writeFile(inFolder('purchases.csv'), `cuid,revenue,timestamp,purchaseId\n${purchases.join('')}`)
    const conversations = [...customers.keys()].map((id) => `chat-${id},${channel},${id},Customer ${id},${id}\n`)
    await writeFile(
      inFolder('conversations.csv'),
      `conversationId,mediumId,platformUserId,userName,cuid\n${conversations.join('')}`,
    )
    const import_ = (kind: string) => dynamo(env, ['import', kind, ...of, '--json', inFolder(`${kind}.csv`)])
    const counts = { read: lines.length, imported: lines.length, unchanged: 0, rejected: 0 }
    assert.deepEqual(JSON.parse((await import_('purchases')).stdout), counts)
    assert.equal(JSON.parse((await import_('conversations')).stdout).imported, customers.size)

    const server = await serveDynamo(env)
    const list = `${server.url}/vip-users?workspaceId=${workspace}&mediumId=${channel}`
    const expected = [...customers]
      .filter(([, customer]) => customer.cents >= 10_000n)
      .sort(([one, { cents: less }], [other, { cents: more }]) =>
        less === more ? (one < other ? -1 : 1) : less > more ? -1 : 1,
      )
      .map(([id, { lastPurchase }]) => ({
        conversationId: `chat-${id}`,
        cuid: id,
        userName: `Customer ${id}`,
        lastPurchaseTimestamp: Date.parse(lastPurchase),
      }))
    const { rows, totals } = await walk(list, key)
    assert.deepEqual([...totals], [expected.length])
    const seen = rows.map(({ conversationId, cuid, userName, lastPurchaseTimestamp }) => ({
      conversationId,
      cuid,
      userName,
      lastPurchaseTimestamp,
    }))
    assert.deepEqual(seen, expected)

    const again = { ...counts, imported: 0, unchanged: lines.length }
    assert.deepEqual(JSON.parse((await import_('purchases')).stdout), again)
    assert.deepEqual((await walk(list, key)).rows, rows)
    assert.equal(await server.stop(), 0)
  })
}
