import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makePerson } from './names.ts'
import { createRandom } from './random.ts'

const random = createRandom(5)
const people = Array.from({ length: 20_000 }, () => makePerson(random))

test('sample names come in sixteen languages and nine scripts', () => {
  assert.equal(new Set(people.map(({ language }) => language)).size, 16)
  const names = people.map(({ fullName }) => fullName).join(' ')
  for (const script of ['Latin', 'Greek', 'Cyrillic', 'Arabic', 'Hebrew', 'Han', 'Hiragana', 'Hangul', 'Katakana']) {
    assert.match(names, new RegExp(`\\p{Script=${script}}`, 'u'), script)
  }
})

test('a sample name has letters, spaces, hyphens and apostrophes, and is never empty', () => {
  for (const { firstName, lastName } of people) {
    for (const name of [firstName, lastName]) assert.match(name, /^\p{L}[\p{L}\p{M}'’׳ -]*$/u)
  }
})

test('a sample full name stands in the order of its language', () => {
  for (const { firstName, lastName, fullName, language } of people) {
    if (['ko', 'zh-CN'].includes(language)) assert.equal(fullName, lastName + firstName)
    else if (['ja', 'vi'].includes(language)) assert.equal(fullName, `${lastName} ${firstName}`)
    else assert.equal(fullName, `${firstName} ${lastName}`)
  }
})
