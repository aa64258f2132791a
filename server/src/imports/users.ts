import type { UserReport } from '../audience/record-users.ts'
import { counted } from '../counted.ts'
import { Joi } from '../http/input.ts'
import { parseLtv } from '../users/money.ts'
import { FIELD_OF_PROPERTY } from '../users/resolve.ts'
import { check, findUndecodable, type ImportKind, isFault, type KindOptions, MESSAGES } from './kind.ts'
import { typedCell } from './read-csv.ts'
import type { RowFault } from './row.ts'

const MAX_VALUE_BYTES = 4_096

interface Known {
  cuid: string
  timestamp?: number
  lastAppOpenTimestamp?: number
}

type Property = UserReport['properties'][number]

export function usersKind({ orgId, eventTimestamp, lastTimestamp, isText }: KindOptions): ImportKind<UserReport> {
  const schema = Joi.object<Known>({
    cuid: Joi.text().required(),
    timestamp: Joi.timestamp().notAfter(lastTimestamp),
    lastAppOpenTimestamp: Joi.timestamp().notAfter(lastTimestamp),
  }).messages(MESSAGES)
  let noBirthdays = 0
  let noLtvs = 0

  function propertyOf(key: string, cell: unknown): Property | RowFault {
    const field = FIELD_OF_PROPERTY.get(key)
    const isName = field === 'firstName' || field === 'lastName'
    const value = isText && typeof cell === 'string' && field === undefined ? typedCell(cell) : cell
    const checked = check<unknown>(schemaOf(isName, value), value)
    if ('fault' in checked) return { ...checked.fault, field: key }
    if (key === 'ltv' && parseLtv(value) === null) noLtvs += 1
    // the schema takes texts, finite numbers and booleans alone
    return { key, value: value as string | number | boolean }
  }

  return {
    columns: ['cuid', 'firstName', 'lastName', 'birthday', 'ltv', 'lastAppOpenTimestamp', 'timestamp'],
    required: ['cuid'],
    takesProperties: true,
    parse({ values }) {
      const undecodable = findUndecodable(values)
      if (undecodable) return undecodable
      const { cuid, timestamp, lastAppOpenTimestamp, ...cells } = values
      const checked = check(schema, { cuid, timestamp, lastAppOpenTimestamp })
      if ('fault' in checked) return checked.fault
      const known = checked.value
      const properties: Property[] = []
      for (const key in cells) {
        if (KEY.validate(key).error) return { field: key.slice(0, 40), reason: KEY_REASON }
        const property = propertyOf(key, cells[key])
        if (isFault(property)) return property
        properties.push(property)
      }
      return {
        cuid: known.cuid,
        properties,
        lastAppOpenTimestamp: known.lastAppOpenTimestamp ?? null,
        eventTimestamp: known.timestamp ?? eventTimestamp,
      }
    },
    async write(store, users) {
      const { outcomes, rejectedBirthdays } = await store.write('recordUsers', { orgId, users })
      noBirthdays += rejectedBirthdays
      return outcomes.map((outcome) => (outcome === 'recorded' ? 'imported' : 'unchanged'))
    },
    notes: () => [
      ...(noBirthdays > 0
        ? [`No date and so kept as a property, shown to nobody: ${counted(noBirthdays, 'birthday')}`]
        : []),
      ...(noLtvs > 0
        ? [`No amount, so that the sum of the user's purchases stands: ${counted(noLtvs, 'value')} of ltv`]
        : []),
    ],
  }
}

const KEY = Joi.text()
const KEY_REASON = 'is no property key: 1 to 255 bytes of well-formed text'
const NAME = Joi.text().strict()
const TEXT = Joi.text(MAX_VALUE_BYTES).strict()
const VALUE = Joi.any().custom((value, { error }) =>
  typeof value === 'boolean' || Number.isFinite(value)
    ? value
    : error('any.only', { valids: ['a text', 'a number', 'true', 'false'] }),
)

function schemaOf(isName: boolean, value: unknown) {
  if (isName) return NAME
  return typeof value === 'string' ? TEXT : VALUE
}
