import type { ConversationOutcome, ConversationReport } from '../conversations/record-conversations.ts'
import { Joi } from '../http/input.ts'
import { check, findUndecodable, type ImportKind, type KindOptions, MESSAGES, type Outcome } from './kind.ts'

const MAX_ADDRESS_BYTES = 2_048

const OUTCOMES: Record<ConversationOutcome, Outcome> = {
  recorded: 'imported',
  unchanged: 'unchanged',
  erased: 'unchanged',
  'unknown channel': { field: 'mediumId', reason: 'is no channel of the organization' },
  conflict: {
    field: 'conversationId',
    reason: "is another conversation's, or this platform user has another conversationId",
  },
}

export function conversationsKind({
  orgId,
  eventTimestamp,
  lastTimestamp,
}: KindOptions): ImportKind<ConversationReport> {
  const fields = {
    conversationId: Joi.text(),
    mediumId: Joi.text().required(),
    platformUserId: Joi.text().required(),
    userName: Joi.text(),
    firstName: Joi.text(),
    lastName: Joi.text(),
    profilePic: Joi.text(MAX_ADDRESS_BYTES).uri({ scheme: ['http', 'https'] }),
    lastUserMessageTimestamp: Joi.timestamp().notAfter(lastTimestamp),
    cuid: Joi.text(),
  }
  type Values = Partial<Omit<ConversationReport, 'eventTimestamp'>> &
    Pick<ConversationReport, 'mediumId' | 'platformUserId'>
  const schema = Joi.object<Values>(fields).messages(MESSAGES)
  return {
    columns: Object.keys(fields),
    required: ['mediumId', 'platformUserId'],
    takesProperties: false,
    parse({ values }) {
      const undecodable = findUndecodable(values)
      if (undecodable) return undecodable
      const checked = check(schema, values)
      if ('fault' in checked) return checked.fault
      const { value } = checked
      return {
        conversationId: value.conversationId ?? null,
        mediumId: value.mediumId,
        platformUserId: value.platformUserId,
        userName: value.userName ?? null,
        firstName: value.firstName ?? null,
        lastName: value.lastName ?? null,
        profilePic: value.profilePic ?? null,
        lastUserMessageTimestamp: value.lastUserMessageTimestamp ?? null,
        cuid: value.cuid ?? null,
        eventTimestamp,
      }
    },
    async write(store, conversations) {
      const outcomes = await store.write('recordConversations', { orgId, conversations })
      return outcomes.map((outcome) => OUTCOMES[outcome])
    },
    notes: () => [],
  }
}
