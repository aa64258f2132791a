import { parseBirthday } from './birthday.ts'

export const FIELDS = ['firstName', 'lastName', 'birthday'] as const
export type Field = (typeof FIELDS)[number]
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

/** What one source says. */
export interface Saying {
  source: Source
  /** `null`: it was there, and was taken back */
  value: unknown
  /** epoch ms */
  eventTimestamp: number
  /** epoch ms; a birthday may not lie after the day on which it was told */
  arrivedTimestamp: number
  /** which property or conversation says it; decides between claims of one source and time: the lower wins */
  origin: string
  /** the operator who entered it */
  author: string | null
}

/** What one source says of one field. */
export interface Claim extends Saying {
  field: Field
}

export interface ResolvedField {
  value: string
  claim: Claim
}

export type PersonalInformation = Partial<Record<Field, ResolvedField>>

/**
 * Resolves each field on its own: the most trusted source that says something wins, within it the latest event
 * time. What is empty, or no birthday, says nothing and hides nothing.
 *
 * @returns the fields that are known
 * @see contract, "Who is in the list, and with what"
 */
export function resolvePersonalInformation(claims: Iterable<Claim>): PersonalInformation {
  const best: PersonalInformation = {}
  for (const claim of claims) {
    const said = meaningOf(claim)
    const rival = best[claim.field]
    if ('value' in said && (!rival || whyBehind(rival.claim, claim) !== null)) {
      best[claim.field] = { value: said.value, claim }
    }
  }
  return best
}

/** Why a claim is not what its field was resolved to; null where it is. */
export function whyNot(claim: Claim, information: PersonalInformation): string | null {
  const said = meaningOf(claim)
  if ('fault' in said) return said.fault
  const winner = information[claim.field]?.claim
  return winner === undefined || winner === claim ? null : whyBehind(claim, winner)
}

/** Why a claim that says something comes after `rival`; null where it comes before it. */
function whyBehind(claim: Claim, rival: Claim): string | null {
  const trust = SOURCES.indexOf(claim.source) - SOURCES.indexOf(rival.source)
  if (trust !== 0) return trust > 0 ? `${rival.source} is trusted more` : null
  if (claim.eventTimestamp !== rival.eventTimestamp)
    return claim.eventTimestamp < rival.eventTimestamp ? 'is older' : null
  return claim.origin > rival.origin ? `is as old, and ${rival.origin} comes first` : null
}

function meaningOf({ field, value, arrivedTimestamp }: Claim): { value: string } | { fault: string } {
  if (value === null) return { fault: 'was taken back' }
  if (field === 'birthday') {
    const birthday = parseBirthday(value, dayOf(arrivedTimestamp))
    return birthday === null ? { fault: 'is no birthday' } : { value: birthday }
  }
  if (typeof value !== 'string') return { fault: 'is no text' }
  return value.trim() === '' ? { fault: 'is empty' } : { value }
}

function dayOf(timestamp: number): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(timestamp).toZonedDateTimeISO('UTC').toPlainDate()
}
