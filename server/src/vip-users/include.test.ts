import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { NOW, type TestApp, testApp } from '../../test/app.ts'
import { makeOrganization, type TestOrganization } from '../../test/organization.ts'
import type { Credentials } from '../../test/signed.ts'
import { eachStore } from '../../test/stores.ts'
import { INCLUDES } from './include.ts'

const USERS = 120
const BIRTHDAYS = ['1988-02-29', '--05-30', '1990-05-31', null, '--12-24', '--01-01']
const FILTERS = ['', '&hasBirthday=true', '&birthdayMonth=5', '&birthdayMonth=2', '&birthdayMonth=7']
const ALL = `include=${INCLUDES.join(',')}`

type Row = Record<string, unknown>

eachStore(
  (get) => {
    let t: TestApp
    let org: TestOrganization
    let key: Credentials
    let list: string

    before(async () => {
      const { store } = get()
      t = testApp(store)
      org = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
      key = await t.key(org.orgId)
      const mediumId = org.channels[0]?.mediumId ?? ''
      list = `/vip-users?workspaceId=${org.workspaceId}&mediumId=${mediumId}`
      const numbers = Array.from({ length: USERS }, (_, index) => index)
      await store.write('recordConversations', {
        orgId: org.orgId,
        conversations: numbers.map((index) => ({
          conversationId: `c-${index}`,
          mediumId,
          platformUserId: `p-${index}`,
          // what could be taken for the end of a row, or for the beginning of another
          userName: `},{"conversationId":"x${index}" "lastAppOpenTimestamp":null} Zoë 🎰`,
          firstName: null,
          lastName: null,
          profilePic: index % 3 === 0 ? null : `https://pictures.example.com/${index}.png`,
          lastUserMessageTimestamp: index % 4 === 0 ? null : NOW - index * 3_600_000,
          cuid: `u-${index}`,
          eventTimestamp: NOW,
        })),
      })
      await store.write('recordUsers', {
        orgId: org.orgId,
        users: numbers.map((index) => ({
          cuid: `u-${index}`,
          properties: [
            { key: 'ltv', value: Math.floor(index / 3) + 0.125 },
            { key: 'birthday', value: BIRTHDAYS[index % BIRTHDAYS.length] ?? '' },
          ],
          lastAppOpenTimestamp: index % 5 === 0 ? null : NOW - 1000,
          eventTimestamp: NOW,
        })),
      })
    })

    const ask = async (query: string) => {
      const answer = await t.get(key, `${list}${query}`)
      assert.equal(answer.statusCode, 200, answer.body)
      return answer.json() as { items: Row[]; returned: number; total: number; nextOffset: number | null }
    }

    async function walk(query: string): Promise<Row[]> {
      const rows: Row[] = []
      for (let offset: number | null = 0; offset !== null; ) {
        const page = await ask(`${query}&limit=37&offset=${offset}`)
        rows.push(...page.items)
        offset = page.nextOffset
      }
      return rows
    }

    test('each field is added after the ten of the contract, and changes nothing else', async () => {
      const plain = await walk('')
      for (const name of INCLUDES) {
        const rows = await walk(`&include=${name}`)
        assert.deepEqual(Object.keys(rows[0] ?? {}), [...Object.keys(plain[0] ?? {}), name])
        assert.deepEqual(
          rows.map(({ [name]: _added, ...row }) => row),
          plain,
        )
      }
      const [row] = await walk(`&include=${[...INCLUDES].reverse().join(',')},ltv`)
      assert.deepEqual(Object.keys(row ?? {}).slice(10), [...INCLUDES])
    })

    test('every field says what it should, with every filter and any page', async () => {
      const rankOf = new Map((await walk('')).map((row, index) => [row.conversationId, index + 1]))
      const today = '2026-05-30'
      const nextOf: Record<string, [string, number]> = {
        '1988-02-29': ['2027-02-28', 274],
        '--05-30': [today, 0],
        '1990-05-31': ['2026-05-31', 1],
        '--12-24': ['2026-12-24', 208],
        '--01-01': ['2027-01-01', 216],
      }
      const filter = fc.constantFrom(...FILTERS)
      await fc.assert(
        fc.asyncProperty(filter, fc.nat(USERS), fc.integer({ min: 1, max: 50 }), async (of, offset, limit) => {
          const page = `${of}&offset=${offset}&limit=${limit}`
          const plain = await ask(page)
          const told = await ask(`${page}&${ALL}`)
          assert.deepEqual({ ...told, items: [] }, { ...plain, items: [] })
          for (const [index, row] of told.items.entries()) {
            const number = Number(String(row.cuid).slice(2))
            const message = row.lastUserMessageTimestamp as number | null
            const next = nextOf[String(row.birthday)]
            assert.deepEqual(row, {
              ...plain.items[index],
              ltv: Math.floor(number / 3) + 0.125,
              rank: rankOf.get(row.conversationId),
              messagingWindowClosesAt: message === null ? null : message + 86_400_000,
              nextBirthday: next?.[0] ?? null,
              daysUntilBirthday: next?.[1] ?? null,
            })
          }
        }),
        { numRuns: 60 },
      )
    })

    test('days are those of the time zone, and 29 February is where it is asked to be', async () => {
      const birthdays = async (query: string) =>
        (await ask(`&limit=6&include=nextBirthday,daysUntilBirthday${query}`)).items
          .map((row) => [row.birthday, row.nextBirthday, row.daysUntilBirthday])
          .sort(([one], [other]) => (String(one) < String(other) ? -1 : 1))
      const utc = await birthdays('')
      assert.deepEqual(utc, await birthdays('&tz=UTC'))
      assert.deepEqual(utc[1], ['--05-30', '2026-05-30', 0])
      assert.deepEqual((await birthdays('&tz=Pacific/Kiritimati'))[1], ['--05-30', '2027-05-30', 364])
      assert.deepEqual((await birthdays('&feb29=mar01'))[3], ['1988-02-29', '2027-03-01', 275])
      assert.deepEqual(utc[5], [null, null, null])
    })

    test('tomorrow the same list is told with other days', async () => {
      const url = `${list}&include=daysUntilBirthday`
      const today = await t.get(key, url)
      const etag = String(today.headers.etag)
      assert.equal((await t.get(key, url, { 'if-none-match': etag })).statusCode, 304)
      t.clock.ms += 86_400_000
      const tomorrow = await t.get(key, url, { 'if-none-match': etag })
      t.clock.ms -= 86_400_000
      assert.equal(tomorrow.statusCode, 200)
      assert.notEqual(tomorrow.body, today.body)
    })

    test('what is none of it is refused', async () => {
      const faults = async (query: string) => {
        const answer = await t.get(key, `${list}${query}`)
        assert.equal(answer.statusCode, 422, query)
        return answer.json().error.map(({ message, path }: { message: string; path: string[] }) => [path[0], message])
      }
      const names = 'must be one or several of ltv, rank, messagingWindowClosesAt, nextBirthday, daysUntilBirthday'
      for (const text of ['x', 'ltv,', ',ltv', 'ltv, rank', 'LTV', 'ltv,x']) {
        assert.deepEqual(await faults(`&include=${encodeURIComponent(text)}`), [
          ['include', `"include" ${names}, with commas between`],
        ])
      }
      for (const zone of ['Mars/Olympus', 'SystemV/AST4', '+02:00', 'x', '../etc', 'Europe/Berlin\0']) {
        assert.deepEqual(await faults(`&tz=${encodeURIComponent(zone)}`), [
          ['tz', '"tz" must be a time zone, such as Europe/Berlin'],
        ])
      }
      assert.equal((await faults('&feb29=never'))[0]?.[0], 'feb29')
      assert.equal((await faults('&include='))[0]?.[0], 'include')
    })

    test('ranks follow rows that move, whatever the filter', async () => {
      for (const [index, ltv] of [1_000, -5, 20.5, 1_001].entries()) {
        await get().store.write('recordUsers', {
          orgId: org.orgId,
          users: [
            {
              cuid: `u-${index * 30}`,
              properties: [{ key: 'ltv', value: ltv }],
              lastAppOpenTimestamp: null,
              eventTimestamp: NOW + 1,
            },
          ],
        })
        const order = (await walk('')).map((row) => row.conversationId)
        for (const filter of FILTERS) {
          const rows = await walk(`${filter}&include=rank`)
          assert.deepEqual(
            rows.map((row) => [row.conversationId, row.rank]),
            order.flatMap((id, place) => (rows.some((row) => row.conversationId === id) ? [[id, place + 1]] : [])),
          )
        }
      }
    })

    test('ranks follow rows that move a few places, within a range too', async () => {
      for (let move = 0; move < 40; move++) {
        const number = (move * 37) % USERS
        // past the next three, or those before
        const ltv = Math.floor(number / 3) + (move % 2 === 0 ? 1.5 : -1.5)
        const user = { cuid: `u-${number}`, properties: [{ key: 'ltv', value: ltv }], lastAppOpenTimestamp: null }
        await get().store.write('recordUsers', {
          orgId: org.orgId,
          users: [{ ...user, eventTimestamp: NOW + 2 + move }],
        })
        const places = new Map((await walk('')).map((row, index) => [row.conversationId, index + 1]))
        for (const filter of ['&hasBirthday=true', '&birthdayMonth=5']) {
          const rows = await walk(`${filter}&include=rank`)
          assert.deepEqual(
            rows.map((row) => row.rank),
            rows.map((row) => places.get(row.conversationId)),
          )
        }
      }
    })
  },
  // pages span several ranges
  { rangeRows: 8 },
)
