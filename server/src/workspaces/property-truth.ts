import type { PropertyValue } from './vip-rule.ts'

const FALSY_TEXTS = new Set(['', 'false', 'f', 'no', 'n', 'off', 'none', 'null', 'undefined', '0', '0.0'])

/**
 * Whether a property marks its user as VIP. Customers report flags as they come out of their own systems, hence the
 * texts; case and outer spaces do not count.
 *
 * @see contract, vip-users, "Who is in the list"
 */
export function isTruthy(value: PropertyValue | undefined): boolean {
  switch (typeof value) {
    case 'string':
      return !FALSY_TEXTS.has(value.trim().toLowerCase())
    case 'number':
      return value !== 0 && !Number.isNaN(value)
    default:
      return value === true
  }
}
