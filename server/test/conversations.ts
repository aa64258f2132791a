import type { ConversationReport } from '../src/conversations/record-conversations.ts'

/** Long ago, so that what a test reports is later. */
const FIRST_SEEN = 1_770_000_000_000

/** What is reported of a conversation of which little is known: nothing but `given`. */
export function conversationOf(
  mediumId: string,
  platformUserId: string,
  given: Partial<ConversationReport> = {},
): ConversationReport {
  return {
    conversationId: null,
    mediumId,
    platformUserId,
    userName: null,
    firstName: null,
    lastName: null,
    profilePic: null,
    lastUserMessageTimestamp: null,
    cuid: null,
    eventTimestamp: FIRST_SEEN,
    ...given,
  }
}
