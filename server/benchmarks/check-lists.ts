import { verifyStore } from '../src/vip-users/verify.ts'
import { openFrom } from './bench-stores.ts'
import type { MadeList } from './made-list.ts'

/** Does what `dynamo verify --organization` does. @throws where the store says anything that the facts do not */
export async function checkLists(env: Record<string, string>, lists: MadeList[]): Promise<void> {
  const { store } = await openFrom(env)
  for (const { orgId } of lists) {
    const [first, ...more] = await verifyStore(store, { orgId })
    if (first) throw new Error(`${store.name}: ${first.where}: ${first.message}, and ${more.length} more differences`)
  }
  await store.close()
}
