import { parseBirthday } from './birthday.ts'

export type Field = 'firstName' | 'lastName' | 'birthday'
/** Most trusted first. */
export const SOURCES = ['operator', 'properties', 'platform', 'chat'] as const
export type Source = (typeof SOURCES)[number]

/** The properties that count as personal information; of several for one field the latest event time wins. */
export const FIELD_OF_PROPERTY: ReadonlyMap<string, Field> = new Map([
  ['firstName', 'firstName'],
  ['first_name', 'firstName'],
  ['lastName', 'lastName'],
  ['last_name', 'lastName'],
  ['birthday', 'birthday'],
  ['birthdate', 'birthday'],
  ['date_of_birth', 'birthday'],
  ['dob', 'birthday'],
])

/** A property that should be a birthday and is none: kept, and shown to nobody. `null` removes it. */
export function isRejectedBirthday(key: string, value: unknown, arrivedTimestamp: number): boolean {
  const isBirthday = value !== null && FIELD_OF_PROPERTY.get(key) === 'birthday'
  return isBirthday && parseBirthday(value, dayOf(arrivedTimestamp)) === null
}

/** What one source says of one field. */
export interface Claim {
  field: Field
  source: Source
  value: unknown
  /** epoch ms */
  eventTimestamp: number
  /** epoch ms; a birthday may not lie after the day on which it was told */
  arrivedTimestamp: number
  /** decides between claims of one source and time: the lower wins */
  order: string
}

export type PersonalInformation = Record<Field, string | null>

/**
 * Resolves each field on its own: the most trusted source that says something wins, within it the latest event
 * time. What is empty, or no birthday, says nothing and hides nothing.
 *
 * @see contract, "Who is in the list, and with what"
 */
export function resolvePersonalInformation(claims: Iterable<Claim>): PersonalInformation {
  const best: Partial<Record<Field, { claim: Claim; value: string }>> = {}
  for (const claim of claims) {
    const value = meaning(claim)
    const rival = best[claim.field]
    if (value !== null && (!rival || beats(claim, rival.claim))) best[claim.field] = { claim, value }
  }
  return {
    firstName: best.firstName?.value ?? null,
    lastName: best.lastName?.value ?? null,
    birthday: best.birthday?.value ?? null,
  }
}

function beats(claim: Claim, rival: Claim): boolean {
  const trust = SOURCES.indexOf(rival.source) - SOURCES.indexOf(claim.source)
  if (trust !== 0) return trust > 0
  if (claim.eventTimestamp !== rival.eventTimestamp) return claim.eventTimestamp > rival.eventTimestamp
  return claim.order < rival.order
}

function meaning({ field, value, arrivedTimestamp }: Claim): string | null {
  if (field === 'birthday') return parseBirthday(value, dayOf(arrivedTimestamp))
  return typeof value === 'string' && value.trim() !== '' ? value : null
}

function dayOf(timestamp: number): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(timestamp).toZonedDateTimeISO('UTC').toPlainDate()
}
