import { ApiError } from '../http/errors.ts'
import { InputError, type InputFault } from '../http/input.ts'

/**
 * Runs a write of items, whose faults begin with the item's index, for a body of one item or of a batch: the caller
 * is told where the fault lies in what was sent.
 */
export async function placeFaults<T>(isBatch: boolean, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!(error instanceof ApiError) || error.statusCode !== 422) throw error
    // 422s of a write are made by the table of errors, with these details
    const faults = error.details as InputFault[]
    throw new InputError(
      faults.map((fault) => ({ ...fault, path: isBatch ? ['batch', ...fault.path] : fault.path.slice(1) })),
    )
  }
}
