import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundWriter } from './bound-writer.ts'
import type { Tx, Writer } from './write.ts'

type One = { one: (tx: Tx, args: unknown) => Promise<unknown> }
const BUSY = { statusCode: 503, message: 'Try again', retryAfterSeconds: 1 }
const nextTick = () => new Promise(setImmediate)

/** A writer that ends a write when it is told to. */
function heldWriter() {
  const begun: { args: unknown; end: () => void; fail: () => void }[] = []
  let isClosed = false
  const writer: Writer<One> = {
    write(_name, args) {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      begun.push({ args, end: () => resolve(args), fail: () => reject(new Error('no')) })
      // there is one write alone
      return promise as ReturnType<One[typeof _name]>
    },
    async close() {
      isClosed = true
    },
  }
  return { ...writer, begun, isClosed: () => isClosed }
}

test('writes beyond what the store takes at once have their turns in the order in which they came', async () => {
  const held = heldWriter()
  const writer = boundWriter<One>(held, 2)
  const answers = [1, 2, 3, 4].map((args) => writer.write('one', args))
  await nextTick()
  assert.deepEqual([held.begun.map(({ args }) => args), writer.depth()], [[1, 2], 4])
  held.begun[1]?.fail()
  await assert.rejects(answers[1] as Promise<unknown>, /no/)
  assert.deepEqual([held.begun.map(({ args }) => args), writer.depth()], [[1, 2, 3], 3])
  held.begun[2]?.end()
  assert.equal(await answers[2], 3)
  held.begun[0]?.end()
  held.begun[3]?.end()
  assert.deepEqual(await Promise.all([answers[0], answers[3]]), [1, 4])
  assert.equal(writer.depth(), 0)
})

test('of writes that wait a thousand are kept, and the next is refused before anything of it is done', async () => {
  const held = heldWriter()
  const writer = boundWriter<One>(held, 1)
  const answers = Array.from({ length: 1_001 }, (_, args) => writer.write('one', args))
  await assert.rejects(writer.write('one', 'too many'), BUSY)
  for (let done = 0; done < answers.length; done++) {
    held.begun[done]?.end()
    await answers[done]
  }
  assert.deepEqual([held.begun.length, writer.depth()], [1_001, 0])
})

test('writes that wait hold 64 MiB at most, but one alone may be larger', async () => {
  const held = heldWriter()
  const writer = boundWriter<One>(held, 1)
  const mebibytes = (count: number) => ({ batch: [{ text: 'x'.repeat(count * 1024 * 1024) }] })
  const large = writer.write('one', mebibytes(65))
  await assert.rejects(writer.write('one', {}), BUSY)
  held.begun[0]?.end()
  await large
  const fitting = Array.from({ length: 63 }, () => writer.write('one', mebibytes(1)))
  await assert.rejects(writer.write('one', mebibytes(1)), BUSY)
  for (const [index, answer] of fitting.entries()) {
    held.begun[index + 1]?.end()
    await answer
  }
})

test('a write that had no turn for 5 s is refused, and one that has begun is awaited however long it takes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const held = heldWriter()
  const writer = boundWriter<One>(held, 1)
  const begun = writer.write('one', 'begun')
  const refused = assert.rejects(writer.write('one', 'waited'), BUSY)
  t.mock.timers.tick(4_999)
  assert.equal(writer.depth(), 2)
  t.mock.timers.tick(1)
  await refused
  t.mock.timers.tick(60_000)
  const next = writer.write('one', 'next')
  held.begun[0]?.end()
  assert.equal(await begun, 'begun')
  await nextTick()
  held.begun[1]?.end()
  assert.equal(await next, 'next')
})

test('a store that is closed ends what it has taken first, and takes no more', async () => {
  const held = heldWriter()
  const writer = boundWriter<One>(held, 1)
  const answers = [writer.write('one', 1), writer.write('one', 2)]
  const closed = writer.close()
  await assert.rejects(writer.write('one', 3), BUSY)
  held.begun[0]?.end()
  await answers[0]
  assert.equal(held.isClosed(), false)
  held.begun[1]?.end()
  await closed
  assert.equal(held.isClosed(), true)
})
