import { createRandom, type Random } from '../sample/random.ts'
import type { Store } from '../src/database/store.ts'
import { createKey } from '../src/organizations/create-key.ts'
import type { Secrets } from '../src/secrets.ts'
import { makeLists } from '../src/vip-users/make-lists.ts'
import type { Credentials } from './load.ts'

/** A list of `rows` VIP users out of `users`, and a key that may read it and report. */
export interface MadeList extends Credentials, ListSize {
  rows: number
  orgId: number
  workspaceKey: number
  workspaceId: string
  mediumId: string
}

export interface ListSize {
  users: number
  /** which share of the users is VIP, 0..1 */
  vipShare: number
}

const CHUNK = 5_000
/** From a dollar to e to this power. */
const LTV_EXPONENT = 10
const BIRTHDAY_SHARE = 0.4
const DAY_MS = 86_400_000
const PICTURES = 'https://platform-lookaside.fbsbx.com/platform/profilepic/'
const FIRST_NAMES = ['Aiko', 'Benjamin', 'Chiara', 'Dimitri', 'Esperanza', 'Fatima', 'Gustav', 'Hannah', 'Иван', '美咲']
const LAST_NAMES = ['Alvarez', 'Bergström', 'Castellanos', 'Dubois', 'Eriksen', 'Fernandes', 'Goldberg', 'Петрова']

/** The rule by which this share of the users is VIP while nobody has bought more. */
export function ruleOf(vipShare: number): string {
  return `ltv >= ${Math.exp(LTV_EXPONENT * (1 - vipShare)).toFixed(2)}`
}

/** Makes an organization of its own with users who all have written on one channel, by the product's own writes. */
export async function makeList(
  store: Store,
  secrets: Secrets,
  { users, vipShare }: ListSize,
  onProgress: (done: string) => void,
): Promise<MadeList> {
  const { orgId } = await store.write('createOrganization', { name: `${users} users` })
  const platformId = `${100_000_000_000_000 + orgId}`
  const channel = await store.write('createChannel', { orgId, type: 'FB_PAGE', platformId, name: 'Benchmark' })
  const random = createRandom(users)
  let writing = Promise.resolve()
  for (let first = 0; first < users; first += CHUNK) {
    const numbers = Array.from({ length: Math.min(CHUNK, users - first) }, (_, index) => first + index)
    const facts = makeFacts(numbers, channel.mediumId, random)
    await writing
    // the next chunk is made while the store writes this one
    writing = record(store, orgId, facts)
    onProgress(`${first} of ${users} recorded`)
  }
  await writing
  const indicator = { name: 'VIPs', type: 'VIP', vipIndicator: ruleOf(vipShare) } as const
  const { workspaceKey, workspaceId } = await store.write('createWorkspace', { orgId, ...indicator })
  await store.write('connectChannel', { orgId, workspaceKey, channelKey: channel.channelKey })
  const verdicts = await makeLists(
    store,
    { orgId, workspaceKey },
    { onProgress: (done) => onProgress(`${done} of ${users} listed`) },
  )
  const key = await createKey(store, secrets, { orgId, label: 'benchmark', scope: 'read+report' })
  return {
    users,
    vipShare,
    rows: verdicts?.vip ?? 0,
    orgId,
    workspaceKey,
    workspaceId,
    mediumId: channel.mediumId,
    ...key,
  }
}

/** The `cuid` of the user with this number. */
export const cuidOf = (number: number) => `player-${number}`

function makeFacts(numbers: number[], mediumId: string, random: Random) {
  const now = Date.now()
  const recent = () => now - random.integer(365 * DAY_MS)
  return numbers.map((number) => {
    const firstName = random.pick(FIRST_NAMES)
    const lastName = random.pick(LAST_NAMES)
    const birthday = new Date(random.integer(13_000) * DAY_MS).toISOString().slice(0, 10)
    return {
      user: {
        cuid: cuidOf(number),
        properties: random.chance(BIRTHDAY_SHARE) ? [{ key: 'birthday', value: birthday }] : [],
        lastAppOpenTimestamp: recent(),
        eventTimestamp: now,
      },
      purchase: {
        purchaseId: `first-${number}`,
        cuid: cuidOf(number),
        // in cents
        revenueMicros: BigInt(Math.ceil(100 * Math.exp(random.uniform() * LTV_EXPONENT))) * 10_000n,
        timestamp: recent(),
      },
      conversation: {
        conversationId: `t_${random.digits(15)}-${number}`,
        mediumId,
        platformUserId: `${number}`,
        userName: `${firstName} ${lastName}`,
        firstName,
        lastName,
        profilePic: `${PICTURES}?psid=${random.digits(17)}&width=1024&ext=${random.digits(10)}&hash=${random.hex(24)}`,
        lastUserMessageTimestamp: recent(),
        cuid: cuidOf(number),
        eventTimestamp: now,
      },
    }
  })
}

async function record(store: Store, orgId: number, facts: ReturnType<typeof makeFacts>): Promise<void> {
  const [users, purchases, conversations] = [
    facts.map((fact) => fact.user),
    facts.map((fact) => fact.purchase),
    facts.map((fact) => fact.conversation),
  ]
  await store.write('recordUsers', { orgId, users })
  await Promise.all([
    store.write('recordPurchases', { orgId, purchases }),
    store.write('recordConversations', { orgId, conversations }),
  ])
}
