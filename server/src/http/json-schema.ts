import type BaseJoi from 'joi'
import exported from 'joi-to-json'

export type Json = Record<string, unknown>

// its types describe an ES module, but it is a CommonJS one: what is imported is the function itself
const joiToJson = exported as unknown as (
  joi: { describe: () => unknown },
  mode: 'open-api-3.1',
  components: Json,
) => Json

/** A part of what Joi says of a schema. */
interface Described {
  type?: string
  flags?: Json
  rules?: { name: string; args?: unknown }[]
  allow?: unknown[]
  matches?: { schema?: unknown; ref?: unknown; is?: unknown; then?: unknown; otherwise?: unknown }[]
}

/**
 * The JSON Schema of input: what `joi-to-json` makes of it, told of our own types and conditions. A part with an `id`
 * becomes a component, and a reference stands in its place.
 */
export function toJsonSchema(joi: BaseJoi.Schema, components: Json): Json {
  const described = { describe: () => inPlainTypes(joi.describe()) }
  const { schemas: _, ...schema } = joiToJson(described, 'open-api-3.1', components)
  return schema
}

function inPlainTypes(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(inPlainTypes)
  if (typeof part !== 'object' || part === null) return part
  const plain: Described = Object.fromEntries(Object.entries(part).map(([name, value]) => [name, inPlainTypes(value)]))
  const toPlain = TO_PLAIN[String(plain.type)]
  return toPlain ? toPlain(plain) : plain
}

const TO_PLAIN: Record<string, (part: Described) => Described> = {
  flag: (part) => ({ ...part, type: 'string', allow: ['true', 'false'], flags: { ...part.flags, only: true } }),
  string: (part) => (part.allow?.includes('') ? part : { ...part, rules: [rule('min', 1), ...(part.rules ?? [])] }),
  timestamp: (part) =>
    anyOf(part, [
      { type: 'number', rules: [{ name: 'integer' }, rule('min', 1e11), rule('max', 8.64e15)] },
      { type: 'string', flags: { description: 'ISO-8601, or epoch ms as digits' } },
    ]),
  revenue: (part) =>
    anyOf(part, [
      { type: 'number', rules: [rule('min', -1e9), rule('max', 1e9)] },
      { type: 'string', rules: [{ name: 'pattern', args: { regex: String.raw`/^-?\d+(\.\d+)?$/` } }] },
    ]),
  alternatives: (part) => {
    const [{ ref, is, then, otherwise } = {}, ...others] = part.matches ?? []
    if (!is || others.length > 0) return part
    const matches = [{ schema: otherwise }, { schema: then }]
    // by the value itself one of the two is meant; by what stands beside it, which JSON Schema cannot ask, maybe both
    return { ...part, matches, flags: { ...part.flags, match: ref ? 'any' : 'one' } }
  },
}

function rule(name: string, limit: number) {
  return { name, args: { limit } }
}

function anyOf({ rules, ...part }: Described, schemas: Described[]): Described {
  return { ...part, type: 'alternatives', matches: schemas.map((schema) => ({ schema })) }
}
