import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHandles } from './handles.ts'
import { makePerson } from './names.ts'
import { createRandom } from './random.ts'

test('sample Instagram names are ASCII, of 3 to 30 characters, and none is given twice', () => {
  const random = createRandom(5)
  const people = Array.from({ length: 20_000 }, () => makePerson(random))
  const handleOf = createHandles(random)
  const handles = people.map(handleOf)
  for (const handle of handles) assert.match(handle, /^[a-z][a-z0-9._]{2,29}$/)
  assert.equal(new Set(handles).size, people.length)
})

test('a sample Instagram name reads a diacritic as its letter', () => {
  const handleOf = createHandles(createRandom(1))
  const person = { firstName: 'Łucja', lastName: 'Işık', fullName: 'Łucja Işık', language: 'pl', country: 'PL' }
  const handles = Array.from({ length: 40 }, () => handleOf(person))
  assert.ok(handles.includes('lucja.isik'), handles.join(' '))
})
