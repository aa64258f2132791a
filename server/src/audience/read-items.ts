import { setImmediate as nextTurn } from 'node:timers/promises'
import type BaseJoi from 'joi'
import { MAX_FAULTS } from '../http/errors.ts'
import { InputError, type InputFault, validateInput, withoutFlood } from '../http/input.ts'
import { ODD, type PlainReader } from './plain.ts'
import { BODY_NAMES, MAX_BATCH, type OneOrBatch } from './schemas.ts'

/** So long items are looked at before others get their turn: a body of 4 MiB with nothing plain in it takes a second. */
const TURN_MS = 10

/**
 * The items of a body of one item or of a batch. The items of a batch are validated one by one: a plain one is not kept
 * up by its odd neighbours, and 125,000 properties with several faults each are not looked at to the last, for more than
 * the first 1,000 faults are not told.
 *
 * @throws InputError as `validateInput` of the whole body does
 */
export async function readItems<Item extends object>(
  schema: BaseJoi.AnySchema<OneOrBatch<Item>>,
  readPlain: PlainReader<Item>,
  given: unknown,
): Promise<{ items: Item[]; isBatch: boolean }> {
  const body = withoutFlood(given, BODY_NAMES)
  const { batch, ...others } = body instanceof Object ? (body as { batch?: unknown }) : {}
  if (!Array.isArray(batch) || batch.length === 0 || batch.length > MAX_BATCH) {
    const plain = readPlain(body)
    return { items: plain === ODD ? itemsOf(validateInput(schema, body)) : [plain], isBatch: false }
  }
  const items: Item[] = []
  const faults: InputFault[] = []
  let turnMs = performance.now()
  for (const [index, item] of batch.entries()) {
    if (performance.now() - turnMs > TURN_MS) {
      await nextTurn()
      turnMs = performance.now()
    }
    // what stands beside the batch is told last
    const beside = index === batch.length - 1 ? others : {}
    const plain = Object.keys(beside).length > 0 ? ODD : readPlain(item)
    if (plain !== ODD) items.push(plain)
    else {
      try {
        items.push(...itemsOf(validateInput(schema, { batch: [item], ...beside })))
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        faults.push(...error.details.map((fault) => moveFault(fault, index)))
        if (faults.length >= MAX_FAULTS) break
      }
    }
  }
  if (faults.length > 0) throw new InputError(faults.slice(0, MAX_FAULTS))
  return { items, isBatch: true }
}

function itemsOf<Item extends object>(body: OneOrBatch<Item>): Item[] {
  return 'batch' in body ? body.batch : [body]
}

/** A fault of the first item as one of the item at `index`. */
function moveFault(fault: InputFault, index: number): InputFault {
  const { message, path, context } = fault
  if (path[0] !== 'batch') return fault
  const place = (label: string) => label.replace('batch[0]', `batch[${index}]`)
  return {
    ...fault,
    message: place(message),
    path: path.with(1, index),
    // Joi's label begins with the path; its key is the path's last step
    context: {
      ...context,
      ...(typeof context.label === 'string' && { label: place(context.label) }),
      ...(path.length === 2 && { key: index }),
    },
  }
}
