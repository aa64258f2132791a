const WINDOW_MS = 86_400_000

/**
 * Until when a person may be written to: 24 hours after their latest message.
 *
 * @param lastUserMessageTimestamp epoch ms
 * @returns epoch ms, which may be past; null where they have never written
 * @see https://developers.facebook.com/docs/messenger-platform/policy/policy-overview (standard messaging window)
 */
export function messagingWindowClosesAt(lastUserMessageTimestamp: number | null): number | null {
  return lastUserMessageTimestamp === null ? null : lastUserMessageTimestamp + WINDOW_MS
}
