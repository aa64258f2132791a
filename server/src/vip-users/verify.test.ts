import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { verifyStore } from './verify.ts'

/** What a store could be damaged by, and what is said of it. */
const DAMAGES: [name: string, damage: (orgId: number) => string, expected: RegExp][] = [
  [
    'a sum',
    (orgId) => `update users set purchases_micros = 1 where org_id = ${orgId} and cuid = 'u5'`,
    /purchases_micros is 1/,
  ],
  ['a count', (orgId) => `update users set purchases = 9 where org_id = ${orgId} and cuid = 'u5'`, /purchases is 9/],
  [
    'a last purchase',
    (orgId) => `update users set last_purchase_timestamp = 7 where org_id = ${orgId}`,
    /last_purchase_timestamp is 7/,
  ],
  [
    'a birthday',
    (orgId) => `update users set birthday = '1990-01-01' where org_id = ${orgId} and cuid = 'u5'`,
    /birthday is 1990-01-01/,
  ],
  ['a lost mark', (orgId) => `delete from vip_marks where org_id = ${orgId}`, /vip is 0, the facts say 1/],
  ['a lost row', (orgId) => `delete from vip_users where org_id = ${orgId}`, /is missing/],
  ['a text', (orgId) => `update vip_users set row = '{}' where org_id = ${orgId}`, /row is \{\}/],
  ['a month', (orgId) => `update vip_users set birthday_month = 3 where org_id = ${orgId}`, /birthday_month is 3/],
  [
    'an order',
    (orgId) => `update vip_users set negated_ltv_micros = -1 where org_id = ${orgId}`,
    /should not be there/,
  ],
  [
    'a range',
    (orgId) => `update vip_user_ranges set row_count = row_count + 1 where org_id = ${orgId}`,
    /its rows say/,
  ],
  ['no ranges', (orgId) => `delete from vip_user_ranges where org_id = ${orgId}`, /has no range/],
  [
    'an overdue mark',
    (orgId) => `update vip_marks set due_timestamp = 1000 where org_id = ${orgId}`,
    /is due since 1970-01-01T00:00:01.000Z/,
  ],
  ...['vip_marks', 'vip_users', 'conversations'].map((table): (typeof DAMAGES)[number] => [
    `${table} of nobody`,
    (orgId) => `update ${table} set user_key = 999999 where org_id = ${orgId} and user_key = (
      select user_key from users where org_id = ${orgId} and cuid = 'u5')`,
    new RegExp(`has 1 ${table.replace('_', ' ')}, but there is no such user`),
  ]),
  [
    'properties of nobody',
    (orgId) => `insert into properties (org_id, user_key, key, value, event_timestamp, arrived_timestamp)
      values (${orgId}, 999999, 'tier', '"gold"', 1, 1)`,
    /has 1 properties, but there is no such user/,
  ],
  [
    'a broken chain',
    (orgId) => `update users set last_purchase_id = null where org_id = ${orgId} and cuid = 'u5'`,
    /purchases in the chain is 0, the facts say 1/,
  ],
  [
    'a foreign chain',
    (orgId) => `update users set last_purchase_id = 'first-6' where org_id = ${orgId} and cuid = 'u5'`,
    /purchases in the chain is 0, the facts say 1/,
  ],
  [
    'an orphan',
    (orgId) => `update purchases set user_key = 999999 where org_id = ${orgId} and purchase_id = 'first-5'`,
    /no such user/,
  ],
]

eachStore(
  (get) => {
    for (const [name, damage, expected] of DAMAGES) {
      test(`verify reports damage: ${name}`, async () => {
        const { store, execute } = get()
        const { orgId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 3' })
        await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: 20 })
        assert.deepEqual(await verifyStore(store, { orgId }), [])
        await execute(damage(orgId))
        const differences = await verifyStore(store, { orgId })
        assert.match(differences.map(({ where, message }) => `${where}: ${message}`).join('\n'), expected)
      })
    }

    test('verify goes through more users than it reads at once', async () => {
      const { store } = get()
      const { orgId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 2000' })
      await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: 2_100 })
      let seen = 0
      const onProgress = (users: number) => {
        seen = users
      }
      assert.deepEqual(await verifyStore(store, { orgId, onProgress }), [])
      assert.equal(seen, 2_100)
    })

    test('verify reports a schema that is not the recorded one', async () => {
      const { store, execute } = get()
      await execute('create index not_ours on users (org_id, birthday)')
      try {
        const [difference, ...others] = await verifyStore(store, { orgId: 0 })
        assert.match(difference?.message ?? '', /^not ours: .*not_ours/i)
        assert.deepEqual(others, [])
      } finally {
        await execute('drop index not_ours')
      }
    })
  },
  { rangeRows: 5 },
)
