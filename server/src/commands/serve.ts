import { loadConfig } from '../config.ts'
import { serve } from '../serve.ts'

export async function run({ withSample = false }: { withSample?: boolean }): Promise<void> {
  await serve(loadConfig(process.env), { withSample })
}
