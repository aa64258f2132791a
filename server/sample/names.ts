import { faker as ar } from '@faker-js/faker/locale/ar'
import { faker as de } from '@faker-js/faker/locale/de'
import { faker as el } from '@faker-js/faker/locale/el'
import { faker as en } from '@faker-js/faker/locale/en'
import { faker as es } from '@faker-js/faker/locale/es'
import { faker as fr } from '@faker-js/faker/locale/fr'
import { faker as he } from '@faker-js/faker/locale/he'
import { faker as it } from '@faker-js/faker/locale/it'
import { faker as ja } from '@faker-js/faker/locale/ja'
import { faker as ko } from '@faker-js/faker/locale/ko'
import { faker as pl } from '@faker-js/faker/locale/pl'
import { faker as pt_BR } from '@faker-js/faker/locale/pt_BR'
import { faker as ru } from '@faker-js/faker/locale/ru'
import { faker as tr } from '@faker-js/faker/locale/tr'
import { faker as vi } from '@faker-js/faker/locale/vi'
import { faker as zh_CN } from '@faker-js/faker/locale/zh_CN'
import type { Random } from './random.ts'

export interface Person {
  firstName: string
  lastName: string
  /** In the order and script of the language. */
  fullName: string
  /** BCP 47, e.g. `pt-BR`. */
  language: string
  /** ISO 3166, two letters. */
  country: string
}

type Names = { female?: string[] | null; male?: string[] | null; generic?: string[] | null }
type Order = 'western' | 'eastern' | 'eastern, unspaced'
interface Locale {
  language: string
  countries: string[]
  firstNames: Names
  lastNames: Names
  order: Order
}

const LOCALES: [share: number, locale: Locale][] = [
  [34, locale(en, 'en', ['US', 'US', 'US', 'GB', 'CA', 'AU'])],
  [10, locale(es, 'es', ['MX', 'ES', 'AR', 'CO'])],
  [9, locale(de, 'de', ['DE', 'DE', 'AT', 'CH'])],
  [8, locale(pt_BR, 'pt-BR', ['BR'])],
  [7, locale(fr, 'fr', ['FR', 'FR', 'CA', 'BE'])],
  [6, locale(it, 'it', ['IT'])],
  [5, locale(pl, 'pl', ['PL'])],
  [4, locale(tr, 'tr', ['TR'])],
  [3, locale(vi, 'vi', ['VN'], 'eastern')],
  [3, locale(el, 'el', ['GR', 'CY'])],
  [2, locale(ru, 'ru', ['KZ', 'IL', 'US'])],
  [2, locale(ar, 'ar', ['AE', 'JO', 'MA'])],
  [2, locale(he, 'he', ['IL'])],
  [2, locale(ja, 'ja', ['JP'], 'eastern')],
  [2, locale(ko, 'ko', ['KR'], 'eastern, unspaced')],
  [1, locale(zh_CN, 'zh-CN', ['SG', 'MY'], 'eastern, unspaced')],
]

/** One entry for each share of a hundred, so that a locale is one uniform pick. */
const LOCALES_BY_SHARE = LOCALES.flatMap(([share, each]) => Array.from({ length: share }, () => each))

/** A made-up person: names from faker's lists of one of sixteen languages, English the commonest. */
export function makePerson(random: Random): Person {
  const { language, countries, firstNames, lastNames, order } = random.pick(LOCALES_BY_SHARE)
  const gender = random.chance(0.62) ? 'female' : 'male'
  const firstName = random.pick(firstNames[gender] ?? firstNames.generic ?? [])
  const lastName = random.pick(lastNames[gender] ?? lastNames.generic ?? [])
  const fullName = inOrder(firstName, lastName, order)
  return { firstName, lastName, fullName, language, country: random.pick(countries) }
}

function inOrder(firstName: string, lastName: string, order: Order): string {
  if (order === 'western') return `${firstName} ${lastName}`
  return order === 'eastern' ? `${lastName} ${firstName}` : `${lastName}${firstName}`
}

// faker's lists are read, not its generator: which draws that makes may change with any release. Lists of both genders
// come first, since `generic` repeats some and holds what is neither.
function locale(source: typeof en, language: string, countries: string[], order: Order = 'western'): Locale {
  const { first_name, last_name } = source.rawDefinitions.person ?? {}
  if (!first_name || !last_name) throw new Error(`faker has no names for ${language}`)
  return { language, countries, firstNames: first_name, lastNames: last_name, order }
}
