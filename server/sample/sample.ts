import { makeBirthday } from './birthdays.ts'
import { createHandles } from './handles.ts'
import { makePerson, type Person } from './names.ts'
import { PICTURES } from './picture.ts'
import { acquisitionDay, DAYS, makePurchaseHistory } from './purchase-history.ts'
import { createRandom, type Random } from './random.ts'

type SampleChannelType = 'FB_PAGE' | 'INSTAGRAM_ACCOUNT'

export interface SampleConversation {
  /** 24 hex digits. */
  conversationId: string
  channel: SampleChannelType
  /** 16 digits on Messenger, 17 on Instagram. */
  platformUserId: string
  /** A full name on Messenger, a user name in ASCII on Instagram. */
  userName: string
  firstName: string | null
  lastName: string | null
  /** The path of an address: `/sample/pictures/17.svg`. */
  picture: string
  lastUserMessageTimestamp: number | null
}

export interface SampleCustomer {
  cuid: string
  /**
   * What the back end reports: `tier`, `level`, `country`, `language`; where known `firstName`, `lastName` and
   * `birthday`; `selfExcluded: true` for a few.
   */
  properties: Record<string, string | number | boolean>
  lastAppOpenTimestamp: number | null
  /** Oldest first, never empty; `micros` are millionths of `SAMPLE.currency`. */
  purchases: { purchaseId: string; micros: bigint; timestamp: number }[]
  /** One, or one on each channel. */
  conversations: SampleConversation[]
}

interface SampleOrganization {
  organizationName: string
  currency: string
  channels: { type: SampleChannelType; platformId: string; name: string }[]
  workspaces: {
    name: string
    type: 'VIP' | 'STANDARD'
    vipIndicator: string | null
    channels: SampleChannelType[]
  }[]
}

/** What surrounds the sample's customers. About 4 % of them meet the first workspace's indicator. */
export const SAMPLE: SampleOrganization = {
  organizationName: 'Golden Otter Casino (sample)',
  currency: 'USD',
  channels: [
    { type: 'FB_PAGE', platformId: '104729018365427', name: 'Golden Otter Casino' },
    { type: 'INSTAGRAM_ACCOUNT', platformId: '17841405309211844', name: 'goldenottercasino' },
  ],
  workspaces: [
    { name: 'VIP care', type: 'VIP', vipIndicator: 'ltv >= 200', channels: ['FB_PAGE', 'INSTAGRAM_ACCOUNT'] },
    { name: 'Community', type: 'STANDARD', vipIndicator: null, channels: ['FB_PAGE', 'INSTAGRAM_ACCOUNT'] },
    { name: 'VIP care (not connected)', type: 'VIP', vipIndicator: 'ltv >= 200', channels: [] },
  ],
}

const SEED = 20_260_530
const DAY_MS = 86_400_000
const MICROS_PER_CENT = 10_000n
/** So many rows of each channel's list show every field of the contract filled. */
const COMPLETE_ROWS = 20

/** A customer with all that could be known, and which parts of it are; times are ms since the first day's midnight. */
interface Draft {
  person: Person
  purchases: { moment: number; cents: number }[]
  cents: number
  level: number
  selfExcluded: boolean
  birthday: string
  appOpen: number
  conversations: ConversationDraft[]
  known: { names: boolean; birthday: boolean; appOpen: boolean }
}
interface ConversationDraft {
  conversation: SampleConversation
  message: number
  messageKnown: boolean
}

/**
 * The customers of a made-up social casino, in the order of their acquisition: purchases of two years up to the day
 * before `asOf`, profiles on the channels, properties, times of activity. Plain data; nothing is stored.
 *
 * The seed is fixed. Every time is the UTC midnight of `asOf`, less whole days, plus a time of day that comes from the
 * seed, so that two days give the same customers, shifted; a birthday keeps its day, and its year is `asOf`'s less a
 * number of years (on 29 February the next leap year below). Nothing depends on the machine, its clock, locale or zone.
 *
 * @param options.customers  how many, 25,000 by default
 * @see purchase-history.ts for how often they buy and what they pay
 */
export function* makeSample(options: { asOf: Temporal.PlainDate; customers?: number }): Generator<SampleCustomer> {
  const { asOf, customers = 25_000 } = options
  const random = createRandom(SEED)
  const handleOf = createHandles(random)
  const drafts: Draft[] = []
  for (let index = 0; index < customers; index++) {
    drafts.push(makeDraft(random, handleOf, asOf, acquisitionDay(index, customers)))
  }
  for (const channel of SAMPLE.channels) completeFirstRows(drafts, channel.type)

  const start = asOf.toZonedDateTime('UTC').epochMilliseconds - DAYS * DAY_MS
  for (const [index, draft] of drafts.entries()) yield finish(draft, String(index + 1).padStart(6, '0'), start)
}

function makeDraft(
  random: Random,
  handleOf: (person: Person) => string,
  asOf: Temporal.PlainDate,
  acquiredOn: number,
): Draft {
  const person = makePerson(random)
  const history = makePurchaseHistory(random, acquiredOn)
  const purchases = history.purchases
    .map(({ day, cents }) => ({ moment: momentOn(random, day), cents }))
    .sort((a, b) => a.moment - b.moment)
  const lastPurchase = Math.max(...purchases.map((purchase) => purchase.moment))
  const appOpen = makeAppOpen(random, lastPurchase, history.active)
  const both = random.chance(0.03)
  const messenger = random.chance(0.6)
  const conversations: ConversationDraft[] = []
  for (const { type } of SAMPLE.channels) {
    if (both || messenger === (type === 'FB_PAGE')) {
      conversations.push(makeConversation(random, handleOf, person, type, appOpen))
    }
  }
  return {
    person,
    purchases,
    cents: purchases.reduce((sum, purchase) => sum + purchase.cents, 0),
    level: 1 + Math.floor(random.lognormal(Math.log(12 * Math.sqrt(purchases.length)), 0.8)),
    selfExcluded: random.chance(0.005),
    birthday: makeBirthday(random, asOf),
    appOpen,
    conversations,
    known: { names: random.chance(0.7), birthday: random.chance(0.4), appOpen: random.chance(0.97) },
  }
}

/** Active customers opened the app in the last days, the others went on for some weeks after their last purchase. */
function makeAppOpen(random: Random, lastPurchase: number, active: boolean): number {
  const purchaseDay = Math.floor(lastPurchase / DAY_MS)
  const lastDay = DAYS - 1
  const day = active
    ? Math.max(purchaseDay, lastDay - Math.floor(random.exponential(1 / 6)))
    : Math.min(lastDay, purchaseDay + Math.floor(random.exponential(1 / 30)))
  return momentOn(random, day, day === purchaseDay ? lastPurchase % DAY_MS : 0)
}

function makeConversation(
  random: Random,
  handleOf: (person: Person) => string,
  person: Person,
  channel: SampleChannelType,
  appOpen: number,
): ConversationDraft {
  const messageDay = Math.floor(appOpen / DAY_MS) - Math.floor(random.exponential(1 / 12))
  const instagram = channel === 'INSTAGRAM_ACCOUNT'
  const hasNames = !instagram || random.chance(0.2)
  return {
    conversation: {
      conversationId: random.hex(24),
      channel,
      platformUserId: random.digits(instagram ? 17 : 16),
      userName: instagram ? handleOf(person) : person.fullName,
      firstName: hasNames ? person.firstName : null,
      lastName: hasNames ? person.lastName : null,
      picture: `/sample/pictures/${random.integer(PICTURES)}.svg`,
      lastUserMessageTimestamp: null,
    },
    message: momentOn(random, Math.max(0, messageDay)),
    messageKnown: random.chance(0.97),
  }
}

/** A moment on this day, at `from` or later in it. */
function momentOn(random: Random, day: number, from = 0): number {
  return day * DAY_MS + from + random.integer(DAY_MS - from)
}

/** Makes everything known about whoever the first page of the channel's list shows: LTV descending, then id. */
function completeFirstRows(drafts: Draft[], channel: SampleChannelType): void {
  const rows = drafts.flatMap((draft) =>
    draft.conversations
      .filter(({ conversation }) => conversation.channel === channel)
      .map((conversationDraft) => ({ draft, conversationDraft, id: conversationDraft.conversation.conversationId })),
  )
  rows.sort((a, b) => b.draft.cents - a.draft.cents || (a.id < b.id ? -1 : 1))
  for (const { draft, conversationDraft } of rows.slice(0, COMPLETE_ROWS)) {
    draft.known = { names: true, birthday: true, appOpen: true }
    conversationDraft.messageKnown = true
  }
}

function finish(draft: Draft, number: string, start: number): SampleCustomer {
  const { person, known } = draft
  return {
    cuid: `player-${number}`,
    properties: {
      ...(known.names && { firstName: person.firstName, lastName: person.lastName }),
      ...(known.birthday && { birthday: draft.birthday }),
      tier: tierOf(draft.cents),
      level: draft.level,
      country: person.country,
      language: person.language,
      ...(draft.selfExcluded && { selfExcluded: true }),
    },
    lastAppOpenTimestamp: known.appOpen ? start + draft.appOpen : null,
    purchases: draft.purchases.map(({ moment, cents }, index) => ({
      purchaseId: `purchase-${number}-${index + 1}`,
      micros: BigInt(cents) * MICROS_PER_CENT,
      timestamp: start + moment,
    })),
    conversations: draft.conversations.map(({ conversation, message, messageKnown }) => ({
      ...conversation,
      lastUserMessageTimestamp: messageKnown ? start + message : null,
    })),
  }
}

function tierOf(cents: number): string {
  if (cents >= 100_000) return 'platinum'
  if (cents >= 20_000) return 'gold'
  return cents >= 3_000 ? 'silver' : 'bronze'
}
