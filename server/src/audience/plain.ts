import { isRecord } from '../http/is-record.ts'
import { MAX_AHEAD_MS, parseTimestamp } from '../http/timestamp.ts'
import { MAX_REVENUE_MICROS, parseMicros } from '../users/money.ts'
import type { PropertyValue } from '../workspaces/vip-indicator.ts'
import {
  type ActivityItem,
  type IdentifyItem,
  MAX_PROPERTIES,
  type PropertiesItem,
  type PurchaseItem,
} from './schemas.ts'

// Most of what is reported has nothing odd. What a schema would surely take is read here in a tenth of its time, to the
// same value; whatever is odd, right or wrong, is left to the schema.

/** Text of so many UTF-16 units has at most 255 bytes of UTF-8. */
const SURELY_SHORT = 85

export const ODD: unique symbol = Symbol('for the schema to judge')

type FieldReaders<T> = { [K in keyof T]-?: (value: unknown) => Exclude<T[K], undefined> | typeof ODD }
export type PlainReader<T> = (value: unknown) => T | typeof ODD

/** Reads objects of these fields and no others; null in a field that is not required counts as left out. */
export function plainObject<T extends object>(fields: FieldReaders<T>, required: (keyof T & string)[]): PlainReader<T> {
  const readers = new Map(Object.entries<(value: unknown) => unknown>(fields))
  return (value) => {
    if (!isRecord(value)) return ODD
    const names = Object.keys(value)
    if (names.length > readers.size) return ODD
    const read: Record<string, unknown> = {}
    for (const name of names) {
      const reader = readers.get(name)
      if (!reader) return ODD
      const field = value[name]
      const plain = reader(field)
      if (plain !== ODD) read[name] = plain
      else if (field !== null || required.some((other) => other === name)) return ODD
    }
    // every field of T was read by its reader, and those that have to be there are
    return required.every((name) => name in read) ? (read as T) : ODD
  }
}

export function plainText(value: unknown): string | typeof ODD {
  const isPlain =
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= SURELY_SHORT &&
    !value.includes('\0') &&
    // maybe what was put in the place of a broken byte
    !value.includes('\uFFFD') &&
    value.isWellFormed()
  return isPlain ? value : ODD
}

export function plainRevenue(value: unknown): bigint | typeof ODD {
  const micros = typeof value === 'string' || typeof value === 'number' ? parseMicros(value) : null
  return micros === null || micros > MAX_REVENUE_MICROS || micros < -MAX_REVENUE_MICROS ? ODD : micros
}

/** @param latest  epoch ms, at each reading */
export function plainTimestamp(latest: () => number): PlainReader<number> {
  return (value) => {
    const time = parseTimestamp(value)
    return 'fault' in time || time.timestamp > latest() ? ODD : time.timestamp
  }
}

function plainValue(value: unknown): PropertyValue | typeof ODD {
  if (typeof value === 'boolean' || value === '') return value
  // of -0 the schema makes 0
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : ODD
  return plainText(value)
}

function plainArray<T>(item: PlainReader<T>, maxLength: number): PlainReader<T[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length > maxLength) return ODD
    const read: T[] = []
    for (const element of value) {
      const plain = item(element)
      if (plain === ODD) return ODD
      read.push(plain)
    }
    return read
  }
}

/** One item of each operation; what they read is what the schemas of the same name make of it. */
export function createPlainReaders(now: () => number) {
  const timestamp = plainTimestamp(() => now() + MAX_AHEAD_MS)
  const userId = plainText
  const property = plainObject<PropertiesItem['properties'][number]>({ key: plainText, value: plainValue }, ['key'])
  return {
    identify: plainObject<IdentifyItem>({ d10xLinkId: plainText, userId, timestamp }, ['d10xLinkId', 'userId']),
    activity: plainObject<ActivityItem>({ userId, timestamp }, ['userId']),
    properties: plainObject<PropertiesItem>({ userId, properties: plainArray(property, MAX_PROPERTIES), timestamp }, [
      'userId',
      'properties',
    ]),
    purchase: plainObject<PurchaseItem>({ userId, revenue: plainRevenue, purchaseId: plainText, timestamp }, [
      'userId',
      'revenue',
    ]),
  }
}
