import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { Schema } from '../database/schema.ts'
import { microsToNumber, parseLtv } from './money.ts'
import { readClaims, type UserClaims } from './read-claims.ts'
import { FIELDS, type Field, resolvePersonalInformation, type Saying, type Source, whyNot } from './resolve.ts'

/** Where a value comes from; all of it null where nothing is known. */
interface Provenance {
  source: Source | 'purchases' | null
  /** the property or the conversation that says it */
  origin: string | null
  author: string | null
  /** epoch ms */
  eventTimestamp: number | null
  /** epoch ms */
  arrivedTimestamp: number | null
}

export interface FieldExplanation extends Provenance {
  value: string | number | null
  /** what other sources say, and why it is not the value */
  lost: (Provenance & { value: unknown; why: string })[]
}

export interface ExplainedFields {
  /** lifetime value, in units of the currency */
  ltv: number
  /** how many */
  purchases: number
  fields: Record<Field | 'ltv', FieldExplanation>
}

/** What is known of a user, field by field, and why it is that: by the code that resolves the fields. */
export async function explainFields(db: Kysely<Schema>, orgId: number, userKey: number): Promise<ExplainedFields> {
  const { micros, purchases } = await db
    .selectFrom('users as u')
    .select([sql<string>`cast(u.purchases_micros as text)`.as('micros'), 'u.purchases'])
    .where('u.org_id', '=', orgId)
    .where('u.user_key', '=', userKey)
    .executeTakeFirstOrThrow()
  const ofUser = (await readClaims(db, orgId, [userKey])).get(userKey) ?? { claims: [], ltv: null }
  const ltv = explainLtv(ofUser.ltv, microsToNumber(BigInt(micros)))
  return { ltv: ltv.value, purchases, fields: { ...explainClaims(ofUser), ltv } }
}

function explainClaims({ claims }: UserClaims): Record<Field, FieldExplanation> {
  const information = resolvePersonalInformation(claims)
  const explain = (field: Field): FieldExplanation => {
    const known = information[field]
    const lost = claims
      .filter((claim) => claim.field === field)
      .flatMap((claim) => {
        const why = whyNot(claim, information)
        return why === null ? [] : { value: claim.value, ...provenanceOf(claim), why }
      })
    return { value: known?.value ?? null, ...(known ? provenanceOf(known.claim) : UNKNOWN), lost }
  }
  return Object.fromEntries(FIELDS.map((field) => [field, explain(field)])) as Record<Field, FieldExplanation>
}

const UNKNOWN: Provenance = { source: null, origin: null, author: null, eventTimestamp: null, arrivedTimestamp: null }

function provenanceOf({ source, origin, author, eventTimestamp, arrivedTimestamp }: Saying): Provenance {
  return { source, origin: origin === '' ? null : origin, author, eventTimestamp, arrivedTimestamp }
}

/** @see contract, "Who is in the list, and with what" (LTV) */
function explainLtv(property: Saying | null, sum: number): FieldExplanation & { value: number } {
  const ofPurchases = { ...UNKNOWN, source: 'purchases' } as const
  if (property === null) return { value: sum, ...ofPurchases, lost: [] }
  const ofProperty = provenanceOf(property)
  const micros = parseLtv(property.value)
  if (micros !== null) {
    const lost = [{ value: sum, ...ofPurchases, why: 'properties is trusted more' }]
    return { value: microsToNumber(micros), ...ofProperty, lost }
  }
  const why = property.value === null ? 'was taken back' : 'is no amount'
  return { value: sum, ...ofPurchases, lost: [{ value: property.value, ...ofProperty, why }] }
}
