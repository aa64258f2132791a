import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLanes } from './lanes.ts'

interface Bought {
  id: string
  user: string
}

const partBy = { id: ({ id }: Bought) => id, user: ({ user }: Bought) => user }
const entriesOf = (...facts: Bought[]) => facts.map((fact) => ({ fact }))
const laneOf = (parts: { fact: Bought }[][], id: string) =>
  parts.findIndex((part) => part.some(({ fact }) => fact.id === id))

/** One user for each lane. */
function usersByLane(count: number): string[] {
  const users: string[] = []
  for (let number = 0; users.filter(Boolean).length < count; number++) {
    const user = `user-${number}`
    const { parts } = createLanes<Bought>({ partBy }, count).split(entriesOf({ id: 'a', user }))
    users[laneOf(parts, 'a')] = user
  }
  return users
}

test('each row goes into one lane, in the order of the ids, and each user has a lane', () => {
  const lanes = createLanes<Bought>({ partBy }, 3)
  const laneOfUser = new Map<string, number>()
  for (let chunk = 0; chunk < 5; chunk++) {
    const facts = Array.from({ length: 500 }, (_, n) => ({ id: `${chunk}-${(n * 7) % 500}`, user: `ü${n % 83}` }))
    const { parts, written } = lanes.split(entriesOf(...facts))
    const ids = parts.map((part) => part.map(({ fact }) => fact.id))
    assert.equal(ids.length, 3)
    assert.deepEqual(ids.flat().sort(), facts.map(({ id }) => id).sort())
    for (const [lane, part] of parts.entries()) {
      assert(part.length > 0)
      assert.deepEqual(ids[lane], ids[lane]?.toSorted())
      for (const { fact } of part) assert.equal(laneOfUser.getOrInsert(fact.user, lane), lane)
    }
    written()
  }
})

test('rows of one id go into one lane until the first of them is written, whoever their users are', () => {
  const [one = '', other = ''] = usersByLane(2)
  const lanes = createLanes<Bought>({ partBy }, 2)
  const first = lanes.split(entriesOf({ id: 'a', user: one }, { id: 'a', user: other }, { id: 'b', user: other }))
  assert.deepEqual([laneOf(first.parts, 'a'), laneOf(first.parts, 'b')], [0, 1])
  assert.deepEqual(
    first.parts[0]?.map(({ fact }) => fact.user),
    [one, other],
  )
  const second = lanes.split(entriesOf({ id: 'a', user: other }, { id: 'c', user: other }))
  assert.deepEqual([laneOf(second.parts, 'a'), laneOf(second.parts, 'c')], [0, 1])
  first.written()
  const third = lanes.split(entriesOf({ id: 'a', user: other }, { id: 'b', user: one }))
  assert.deepEqual([laneOf(third.parts, 'a'), laneOf(third.parts, 'b')], [0, 0])
  second.written()
  assert.equal(laneOf(lanes.split(entriesOf({ id: 'c', user: one })).parts, 'c'), 0)
})
