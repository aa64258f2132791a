import { birthdayMonth } from '../users/birthday.ts'

/** What a row of the list is made from: a conversation and its user. */
export interface RowFacts {
  conversation_id: string
  user_name: string | null
  first_name: string | null
  last_name: string | null
  cuid: string
  profile_pic: string | null
  birthday: string | null
  last_purchase_timestamp: number | null
  last_user_message_timestamp: number | null
  last_app_open_timestamp: number | null
}

/** The row's JSON text, fields in the contract's order, stored in the row and sent as it is. */
export function rowText(facts: RowFacts): string {
  return JSON.stringify({
    conversationId: facts.conversation_id,
    userName: facts.user_name,
    firstName: facts.first_name,
    lastName: facts.last_name,
    cuid: facts.cuid,
    profilePic: facts.profile_pic,
    birthday: facts.birthday,
    lastPurchaseTimestamp: facts.last_purchase_timestamp,
    lastUserMessageTimestamp: facts.last_user_message_timestamp,
    lastAppOpenTimestamp: facts.last_app_open_timestamp,
  })
}

export function rowMonth(birthday: string | null): number | null {
  return birthday === null ? null : birthdayMonth(birthday)
}
