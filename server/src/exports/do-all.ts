/**
 * Does each piece of work, one after the other, whatever becomes of those before it.
 *
 * @throws the first failure, once all are done
 */
export async function doAll(works: Iterable<() => Promise<void>>): Promise<void> {
  const failures: unknown[] = []
  for (const work of works) {
    await work().catch((error: unknown) => {
      failures.push(error)
    })
  }
  if (failures.length > 0) throw failures[0]
}
