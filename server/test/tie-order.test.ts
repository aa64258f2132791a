import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { verifyStore } from '../src/vip-users/verify.ts'
import { NOW, testApp } from './app.ts'
import { makeOrganization } from './organization.ts'
import { eachStore } from './stores.ts'
import { META, notification, notify, referral } from './webhooks.ts'

const LINKS = 3
/** Whose the links are made for, and who is identified by them. */
const cuids = fc.constantFrom('ann', 'ben', 'cleo', 'dan')

type Step = { kind: 'identify'; link: number; cuid: string } | { kind: 'referral'; link: number; person: string }

const links = fc.nat({ max: LINKS - 1 })
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('identify' as const), link: links, cuid: cuids }),
  // each link has one person who comes with it: of several the first binds it, and that is an order
  links.map((link) => ({ kind: 'referral' as const, link, person: link === 2 ? 'p2' : 'p1' })),
)

eachStore((get) => {
  test('whose a conversation is does not depend on whether its link or its identification is told first', async () => {
    const { store } = get()
    const { app } = testApp(store, META)
    await fc.assert(
      fc.asyncProperty(
        fc.array(cuids, { minLength: LINKS, maxLength: LINKS }),
        fc.array(fc.tuple(steps, fc.nat({ max: 100 })), { minLength: 1, maxLength: 12 }),
        async (owners, sequence) => {
          const { orgId, channels } = await makeOrganization(store, { vipIndicator: 'ltv >= 0' })
          const mediumId = channels[0]?.mediumId ?? ''
          const ties: { link: number; cuid: string; timestamp: number }[] = []
          const linkIds: string[] = []
          for (const [link, cuid] of owners.entries()) {
            const eventTimestamp = NOW - 5_000 + link
            linkIds.push(await store.write('createUserLink', { orgId, cuid, eventTimestamp }))
            ties.push({ link, cuid, timestamp: eventTimestamp })
          }
          const told = sequence
            .map(([step, arrival], index) => ({ step, arrival, timestamp: NOW - 4_000 + index }))
            .sort((one, other) => one.arrival - other.arrival)
          for (const { step, timestamp } of told) {
            const linkId = linkIds[step.link] ?? ''
            if (step.kind === 'identify') {
              const { link, cuid } = step
              await store.write('identify', { orgId, identifications: [{ linkId, cuid, eventTimestamp: timestamp }] })
              ties.push({ link, cuid, timestamp })
            } else {
              await notify(app, notification(mediumId, [referral(step.person, linkId, timestamp)]))
              await store.write('applyEvents', { orgId, limit: 500 })
            }
          }
          const bound = new Set(told.flatMap(({ step }) => (step.kind === 'referral' ? step.link : [])))
          const ownerOf = (ofPerson: number[]) =>
            ties
              .filter(({ link }) => ofPerson.includes(link) && bound.has(link))
              .sort((one, other) => one.timestamp - other.timestamp)
              .at(-1)?.cuid
          const rows = await store.db
            .selectFrom('conversations as c')
            .leftJoin('users as u', (join) =>
              join.onRef('u.org_id', '=', 'c.org_id').onRef('u.user_key', '=', 'c.user_key'),
            )
            .select(['c.platform_user_id as person', 'u.cuid'])
            .where('c.org_id', '=', orgId)
            .orderBy('c.platform_user_id')
            .execute()
          const wanted = [
            { person: 'p1', cuid: ownerOf([0, 1]) },
            { person: 'p2', cuid: ownerOf([2]) },
          ].filter(({ cuid }) => cuid !== undefined)
          assert.deepEqual(
            rows.map((row) => ({ ...row })),
            wanted,
          )
          assert.deepEqual(await verifyStore(store, { orgId }), [])
        },
      ),
      { numRuns: 25 },
    )
  })
})
