import type { Person } from './names.ts'
import type { Random } from './random.ts'

const ADJECTIVES = [
  ...['lucky', 'golden', 'royal', 'neon', 'wild', 'happy', 'silver', 'cosmic', 'sunny', 'velvet', 'crazy', 'mighty'],
  ...['electric', 'midnight', 'tiny', 'ruby', 'magic', 'super', 'sweet', 'turbo', 'blue', 'red', 'salty', 'brave'],
]
const NOUNS = [
  ...['fox', 'ace', 'spin', 'jackpot', 'otter', 'tiger', 'queen', 'joker', 'cherry', 'seven', 'panda', 'dice'],
  ...['reel', 'diamond', 'clover', 'rocket', 'wolf', 'star', 'mermaid', 'dragon', 'bandit', 'comet', 'lemon', 'koala'],
]
const LETTERS_WITHOUT_ASCII_BASE: Record<string, string> = { ł: 'l', ı: 'i', đ: 'd', ß: 'ss', ø: 'o', æ: 'ae', œ: 'oe' }

/** Instagram's limit. */
const LONGEST = 30

/**
 * Instagram user names: 3 to 30 of a–z, 0–9, `.` and `_`; made of the person's name where it is written in Latin
 * letters, else (and for some) of words.
 *
 * @returns a function that never gives the same name twice
 */
export function createHandles(random: Random): (person: Person) => string {
  const taken = new Set<string>()
  return (person) => {
    const wish = wishedHandle(random, person)
    let handle = wish
    while (taken.has(handle)) {
      const number = String(random.integer(10_000))
      handle = wish.slice(0, LONGEST - number.length) + number
    }
    taken.add(handle)
    return handle
  }
}

function wishedHandle(random: Random, person: Person): string {
  const first = asciiLetters(person.firstName)
  const last = asciiLetters(person.lastName)
  const year = String(60 + random.integer(40))
  const fromWords = `${random.pick(ADJECTIVES)}${random.pick(['', '_', '.'])}${random.pick(NOUNS)}`
  if (first.length < 2 || last.length < 2) return fromWords + year
  const wishes = [
    `${first}.${last}`,
    `${first}_${last}`,
    `${first}${last}${year}`,
    `${first}.${last.charAt(0)}.${year}`,
    `${last}.${first}`,
    `its.${first}${year}`,
    `${first}_the_${random.pick(NOUNS)}`,
    fromWords + year,
  ]
  return random.pick(wishes).slice(0, LONGEST)
}

// Decompositions of letters never change between versions of Unicode, so this is the same on every engine.
function asciiLetters(name: string): string {
  const decomposed = name.toLowerCase().normalize('NFD')
  const plain = Array.from(decomposed, (letter) => LETTERS_WITHOUT_ASCII_BASE[letter] ?? letter).join('')
  return plain.replace(/[^a-z]/g, '')
}
