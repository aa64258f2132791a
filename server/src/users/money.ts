/** Money is an integer of millionths of the currency's unit (`micros`), rounded once, at the door. */
const DECIMALS = 6
const MICROS_PER_UNIT = 10n ** BigInt(DECIMALS)
const MAX_TEXT_LENGTH = 40
const DECIMAL = /^-?\d+(?:\.\d+)?$/

/** The largest size of a purchase or a refund: 10^9 units. */
export const MAX_REVENUE_MICROS = 10n ** 9n * MICROS_PER_UNIT
/** The largest lifetime value: 9·10^12 units, just under the 2^63 of the store's integers. */
export const MAX_LTV_MICROS = 9n * 10n ** 12n * MICROS_PER_UNIT

/**
 * An amount of units as millionths, rounded half to even at six decimals. The arithmetic is decimal, on the text: a
 * number counts as the shortest text that means it (`0.1 + 0.2` is 300000n), exponent included.
 *
 * @param value  a JSON number, or a decimal in a string of at most 40 characters, without exponent, `+` or blanks
 * @returns null where it is no number
 * @see contract, "The Audience API" (what counts)
 */
export function parseMicros(value: number | string): bigint | null {
  if (typeof value === 'number') return Number.isFinite(value) ? fromText(String(value)) : null
  return value.length <= MAX_TEXT_LENGTH && DECIMAL.test(value) ? fromText(value) : null
}

/** @param text  a decimal, maybe with an exponent as JavaScript prints it (`1.5e-7`, `1e+21`) */
function fromText(text: string): bigint {
  const [mantissa = '', exponent = '0'] = text.split('e')
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const micros = toMicros(whole + fraction, fraction.length - Number(exponent))
  return text.startsWith('-') ? -micros : micros
}

/** @param scale  how many of the digits stand behind the point; negative where zeros are missing before it */
function toMicros(digits: string, scale: number): bigint {
  const surplus = scale - DECIMALS
  if (surplus <= 0) return BigInt(digits) * 10n ** BigInt(-surplus)
  if (surplus > digits.length) return 0n // less than a tenth of a millionth
  const kept = BigInt(digits.slice(0, -surplus) || '0')
  const rest = digits.slice(-surplus)
  const half = `5${'0'.repeat(surplus - 1)}`
  const up = rest > half || (rest === half && kept % 2n === 1n)
  return up ? kept + 1n : kept
}

/** An `ltv` property as millionths. @returns null where it is no amount: only a number is, within the bounds of an LTV */
export function parseLtv(value: unknown): bigint | null {
  const micros = typeof value === 'number' ? parseMicros(value) : null
  return micros !== null && micros <= MAX_LTV_MICROS && micros >= -MAX_LTV_MICROS ? micros : null
}

/** Units as the nearest double. Not for sums: a double has no exact cents. */
export function microsToNumber(micros: bigint): number {
  // Past 2^53 both the conversion and the division would round: a decimal text is rounded once.
  const asNumber = Number(micros)
  return Number.isSafeInteger(asNumber) ? asNumber / Number(MICROS_PER_UNIT) : Number(formatMicros(micros))
}

/** Units as the shortest exact decimal with at least two decimals: `100000.00`, `0.000001`, `-3.50`. */
export function formatMicros(micros: bigint): string {
  const shortest = microsToJson(String(micros))
  const point = shortest.indexOf('.')
  return point < 0 ? `${shortest}.00` : shortest.padEnd(point + 3, '0')
}

/**
 * Units as JSON: the exact decimal without zeros at its end, `100000`, `0.000001`, `-3.5`.
 *
 * @param micros an integer
 */
export function microsToJson(micros: string): string {
  const sign = micros.startsWith('-') ? '-' : ''
  const digits = micros.slice(sign.length).padStart(DECIMALS + 1, '0')
  const point = digits.length - DECIMALS
  let end = digits.length
  while (end > point && digits[end - 1] === '0') end -= 1
  const whole = sign + digits.slice(0, point)
  return end === point ? whole : `${whole}.${digits.slice(point, end)}`
}
