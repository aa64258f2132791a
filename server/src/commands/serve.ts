import { loadConfig } from '../config.ts'
import { serve } from '../serve.ts'
import type { CommonOptions } from './output.ts'

export async function run({ withSample, json }: CommonOptions & { withSample?: true }): Promise<void> {
  await serve(loadConfig(process.env), { withSample: withSample ?? false, json: json ?? false })
}
