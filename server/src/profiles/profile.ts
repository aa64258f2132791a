/** What a platform says of a person; null says nothing. */
export interface Profile {
  userName: string | null
  firstName: string | null
  lastName: string | null
  /** an https address, which expires */
  profilePic: string | null
}

type ChannelType = 'FB_PAGE' | 'INSTAGRAM_ACCOUNT'

/**
 * The fields that the Graph API is asked for.
 *
 * @see https://developers.facebook.com/docs/messenger-platform/identity/user-profile
 * @see https://developers.facebook.com/docs/messenger-platform/instagram/features/user-profile
 */
export const PROFILE_FIELDS: Record<ChannelType, string> = {
  FB_PAGE: 'name,first_name,last_name,profile_pic',
  INSTAGRAM_ACCOUNT: 'name,username,profile_pic',
}

/** Reads what the Graph API answered: what cannot be stored is cut or left out, never a failure. */
export function toProfile(type: ChannelType, answer: Record<string, unknown>): Profile {
  const profilePic = toPicture(answer.profile_pic)
  if (type === 'INSTAGRAM_ACCOUNT') {
    // one name for all of a person: nobody can tell where the last name begins
    return { userName: toName(answer.username) ?? toName(answer.name), firstName: null, lastName: null, profilePic }
  }
  const [firstName, lastName] = [toName(answer.first_name), toName(answer.last_name)]
  const fullName = [firstName, lastName].filter((name) => name !== null).join(' ')
  return { userName: toName(answer.name) ?? toName(fullName), firstName, lastName, profilePic }
}

const MAX_NAME_BYTES = 255
const MAX_ADDRESS_BYTES = 2_048
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

function toName(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const name = value
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name || null
  let kept = ''
  for (const { segment } of graphemes.segment(name)) {
    if (Buffer.byteLength(kept + segment) > MAX_NAME_BYTES) break
    kept += segment
  }
  return kept.trim() || null
}

function toPicture(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const address = URL.parse(value)
  if (address?.protocol !== 'https:' || address.username + address.password !== '') return null
  return address.href.length <= MAX_ADDRESS_BYTES ? address.href : null
}
