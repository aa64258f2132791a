import { answer, type CommonOptions } from './output.ts'
import { checkText } from './texts.ts'
import { withStore } from './with-store.ts'

export async function run(options: CommonOptions & { name: string }): Promise<void> {
  const name = checkText('--name', options.name)
  await withStore(
    async (store) => {
      const { organizationId } = await store.write('createOrganization', { name })
      answer(options, organizationId, { id: organizationId })
    },
    { mayMake: true },
  )
}
