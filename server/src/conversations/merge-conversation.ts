import type { Schema } from '../database/schema.ts'
import type { ConversationReport } from './record-conversations.ts'

/** What is stored of a conversation; each part of the profile with the event time at which it was so. */
export type ConversationState = Omit<Schema['conversations'], 'org_id' | 'channel_key' | 'platform_user_id'>

/**
 * Takes a report into a conversation's state, part by part: the later event time wins, of equal times the later
 * arrival; what the report does not say stays.
 *
 * @param userKey the key of the report's user, null where it names none
 * @param arrivedTimestamp epoch ms, kept beside the names, which are personal information
 * @returns whether something changed
 */
export function mergeConversation(
  state: ConversationState,
  report: ConversationReport,
  userKey: number | null,
  arrivedTimestamp: number,
): boolean {
  let changed = false
  const take = <P extends 'user_name' | 'first_name' | 'last_name' | 'profile_pic'>(part: P, value: string | null) => {
    const known = state[`${part}_timestamp`]
    if (value === null || (known !== null && known > report.eventTimestamp)) return false
    if (state[part] === value && known === report.eventTimestamp) return false
    state[part] = value
    state[`${part}_timestamp`] = report.eventTimestamp
    changed = true
    return true
  }
  take('user_name', report.userName)
  if (take('first_name', report.firstName)) state.first_name_arrived_timestamp = arrivedTimestamp
  if (take('last_name', report.lastName)) state.last_name_arrived_timestamp = arrivedTimestamp
  take('profile_pic', report.profilePic)
  const message = report.lastUserMessageTimestamp
  if (message !== null && message > (state.last_user_message_timestamp ?? Number.NEGATIVE_INFINITY)) {
    state.last_user_message_timestamp = message
    changed = true
  }
  return (userKey !== null && takeUser(state, userKey, report.eventTimestamp)) || changed
}

/** Whose a conversation is, or a link that has none yet, and since when. */
export type Tie = Pick<ConversationState, 'user_key' | 'user_timestamp'>

/**
 * Ties to a user: the later event time wins, of equal times the later arrival.
 *
 * @returns whether something changed
 */
export function takeUser(tie: Tie, userKey: number, eventTimestamp: number): boolean {
  if (tie.user_timestamp !== null && tie.user_timestamp > eventTimestamp) return false
  if (tie.user_key === userKey && tie.user_timestamp === eventTimestamp) return false
  tie.user_key = userKey
  tie.user_timestamp = eventTimestamp
  return true
}
