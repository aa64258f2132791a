import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordVips } from '../../test/lists.ts'
import { makeOrganization } from '../../test/organization.ts'
import { eachStore } from '../../test/stores.ts'
import { makeLists } from './make-lists.ts'
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

/** Two rows, their range and a mark, past the product. */
function insertList(orgId: number, workspaceKey: number, channelKey: number, generation: number): string {
  const list = `${orgId}, ${workspaceKey}, ${channelKey}, ${generation}`
  const user = `(select min(user_key) from users where org_id = ${orgId})`
  const months = Array.from({ length: 12 }, (_, index) => `month_${index + 1}`)
  return `
    insert into vip_users
      (org_id, workspace_key, channel_key, generation, negated_ltv_micros, conversation_id, user_key, row)
    values (${list}, -2, 'a', ${user}, '{}'), (${list}, -1, 'b', ${user}, '{}');
    insert into vip_user_ranges (org_id, workspace_key, channel_key, generation,
      first_negated_ltv_micros, first_conversation_id, row_count, ${months.join()})
    values (${list}, -2, 'a', 2, ${months.map(() => 0).join()});
    insert into vip_marks (org_id, workspace_key, generation, user_key, vip, judged_timestamp)
    values (${orgId}, ${workspaceKey}, ${generation}, ${user}, 1, 1)`
}

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

    test('verify reports the rows of lists that are none, by table, workspace, channel and generation', async () => {
      const { store, execute } = get()
      const { orgId, workspaceKey: vip, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 3' })
      const channel = channels[0]?.channelKey ?? 0
      await recordVips(store, { orgId, mediumId: channels[0]?.mediumId ?? '', count: 20 })
      const { workspaceKey: standard } = await store.write('createWorkspace', {
        orgId,
        name: 'All',
        type: 'STANDARD',
        vipIndicator: null,
      })
      const { generation: served } = await store.db
        .selectFrom('workspaces as w')
        .select('w.generation')
        .where('w.org_id', '=', orgId)
        .where('w.workspace_key', '=', vip)
        .executeTakeFirstOrThrow()
      await execute(insertList(orgId, vip, channel, served + 1))
      await execute(insertList(orgId, vip, 999_999, 0))
      await execute(insertList(orgId, standard, channel, 0))
      await execute(insertList(orgId, 999_999, channel, 1))
      const none = 'there is no such VIP workspace'
      assert.deepEqual(
        (await verifyStore(store, { orgId })).map(({ where, message }) => `${where}: ${message}`),
        [
          ...['2 vip users', '1 vip user ranges'].flatMap((rows) => [
            `workspace ${vip}, channel ${channel}, generation ${served + 1}: has ${rows}, but generation ${served} is the latest`,
            `workspace ${vip}, channel 999999, generation 0: has ${rows}, but there is no such channel`,
            `workspace ${standard}, channel ${channel}, generation 0: has ${rows}, but ${none}`,
            `workspace 999999, channel ${channel}, generation 1: has ${rows}, but ${none}`,
          ]),
          `workspace ${vip}, generation ${served + 1}: has 1 vip marks, but generation ${served} is the latest`,
          `workspace ${standard}, generation 0: has 1 vip marks, but ${none}`,
          `workspace 999999, generation 1: has 1 vip marks, but ${none}`,
        ],
      )
    })

    test('verify reports nothing of what superseded builds, older generations and disconnected channels leave', async () => {
      const { store } = get()
      const { orgId, workspaceKey, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 3', channels: 2 })
      for (const { mediumId, channelKey } of channels) {
        await recordVips(store, { orgId, mediumId, count: 20 })
        await store.write('disconnectChannel', { orgId, workspaceKey, channelKey })
        assert.deepEqual(await verifyStore(store, { orgId }), [])
      }
      const channelKey = channels[0]?.channelKey ?? 0
      await store.write('connectChannel', { orgId, workspaceKey, channelKey })
      await store.write('buildChunk', { orgId, workspaceKey, size: 100 })
      assert.deepEqual(await verifyStore(store, { orgId }), [])
      await store.write('setVipIndicator', { orgId, workspaceKey, vipIndicator: 'ltv >= 5' })
      assert.deepEqual(await verifyStore(store, { orgId }), [])
      const chunk = await store.write('buildChunk', { orgId, workspaceKey, size: 100 })
      await store.write('finishBuild', { orgId, workspaceKey, generation: chunk?.generation ?? 0 })
      assert.deepEqual(await verifyStore(store, { orgId }), [])
      await makeLists(store, { orgId, workspaceKey })
      assert.deepEqual(await verifyStore(store, { orgId }), [])
    })

    test('verify reports each of many rows of nobody', async () => {
      const { store, execute } = get()
      const { orgId } = await makeOrganization(store)
      const numbers = Array.from({ length: 700 }, (_, index) => 1_000_000 + index)
      const properties = numbers.map((number) => `(${orgId}, ${number}, 'tier', '1', 1, 1)`)
      const links = numbers.map((number) => `(${orgId}, 'link-${number}', ${number}, 1)`)
      await execute(`insert into properties (org_id, user_key, key, value, event_timestamp, arrived_timestamp)
        values ${properties.join()};
        insert into links (org_id, link_id, conversation_key, created_timestamp) values ${links.join()}`)
      const told = new Set((await verifyStore(store, { orgId })).map(({ where }) => where))
      for (const number of numbers)
        assert.ok(told.has(`user ${number}`) && told.has(`link link-${number}`), `${number}`)
    })

    test('verify reports a schema that is not the recorded one', async () => {
      const { store, execute } = get()
      const notOurs: [create: string, drop: string][] = [
        ['create index not_ours on users (org_id, birthday)', 'drop index not_ours'],
        store.name === 'sqlite'
          ? ['create trigger not_ours after update on users begin select 1; end', 'drop trigger not_ours']
          : [
              `create trigger not_ours before update on users
                for each row execute function suppress_redundant_updates_trigger()`,
              'drop trigger not_ours on users',
            ],
      ]
      for (const [create, drop] of notOurs) {
        await execute(create)
        try {
          const [difference, ...others] = await verifyStore(store, { orgId: 0 })
          assert.match(difference?.message ?? '', /^not ours: .*not_ours/i)
          assert.deepEqual(others, [])
        } finally {
          await execute(drop)
        }
      }
    })
  },
  { rangeRows: 5 },
)
