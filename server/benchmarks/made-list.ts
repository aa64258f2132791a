import { createRandom, type Random } from '../sample/random.ts'
import type { Store } from '../src/database/store.ts'
import { createKey } from '../src/organizations/create-key.ts'
import type { Secrets } from '../src/secrets.ts'
import { makeLists } from '../src/vip-users/make-lists.ts'
import type { Credentials } from './load.ts'

/** A list of `rows` VIP users, and a key that may read it. */
export interface MadeList extends Credentials {
  rows: number
  orgId: number
  workspaceId: string
  mediumId: string
}

const CHUNK = 5_000
const BIRTHDAY_SHARE = 0.4
const DAY_MS = 86_400_000
const PICTURES = 'https://platform-lookaside.fbsbx.com/platform/profilepic/'
const FIRST_NAMES = ['Aiko', 'Benjamin', 'Chiara', 'Dimitri', 'Esperanza', 'Fatima', 'Gustav', 'Hannah', 'Иван', '美咲']
const LAST_NAMES = ['Alvarez', 'Bergström', 'Castellanos', 'Dubois', 'Eriksen', 'Fernandes', 'Goldberg', 'Петрова']

/** Makes an organization of its own with `rows` VIP users on one channel, by the product's own writes. */
export async function makeList(
  store: Store,
  secrets: Secrets,
  rows: number,
  onProgress: (done: string) => void,
): Promise<MadeList> {
  const { orgId } = await store.write('createOrganization', { name: `${rows} VIPs` })
  const platformId = `${100_000_000_000_000 + orgId}`
  const channel = await store.write('createChannel', { orgId, type: 'FB_PAGE', platformId, name: 'Benchmark' })
  const random = createRandom(rows)
  let writing = Promise.resolve()
  for (let first = 0; first < rows; first += CHUNK) {
    const numbers = Array.from({ length: Math.min(CHUNK, rows - first) }, (_, index) => first + index)
    const facts = makeFacts(numbers, channel.mediumId, random)
    await writing
    // the next chunk is made while the store writes this one
    writing = record(store, orgId, facts)
    onProgress(`${first} of ${rows} recorded`)
  }
  await writing
  const indicator = { name: 'VIPs', type: 'VIP', vipIndicator: 'ltv > 0' } as const
  const { workspaceKey, workspaceId } = await store.write('createWorkspace', { orgId, ...indicator })
  await store.write('connectChannel', { orgId, workspaceKey, channelKey: channel.channelKey })
  await makeLists(store, { orgId, workspaceKey }, { onProgress: (users) => onProgress(`${users} of ${rows} listed`) })
  const key = await createKey(store, secrets, { orgId, label: 'benchmark', scope: 'read' })
  return { rows, orgId, workspaceId, mediumId: channel.mediumId, ...key }
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
        // from a few dollars to some ten thousand, in cents
        revenueMicros: BigInt(Math.ceil(100 * Math.exp(random.uniform() * 10))) * 10_000n,
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
