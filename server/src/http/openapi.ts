import type { FastifyInstance, RouteOptions } from 'fastify'
import type { Config } from '../config.ts'
import type { Operation } from './operation.ts'

/** The document that describes every route with an operation, as it is served and as the reference page shows it. */
export interface OpenApi {
  /** makes the document's text */
  text: () => Promise<string>
}

/** Collects the operations of an app as its routes are added; those under a second prefix are the same ones. */
export function createOpenApi(app: FastifyInstance, config: Pick<Config, 'publicUrl' | 'signature'>): OpenApi {
  const described = new Map<() => Promise<Operation>, { method: string; url: string }>()
  app.addHook('onRoute', ({ url, method, config }: RouteOptions) => {
    const load = config?.operation
    if (load && typeof method === 'string' && method !== 'HEAD' && !described.has(load)) {
      described.set(load, { method, url })
    }
  })
  async function makeText(): Promise<string> {
    const routes = await Promise.all(
      [...described].map(async ([load, route]) => ({ ...route, operation: await load() })),
    )
    const { makeDocument } = await import('./openapi-document.ts')
    return JSON.stringify(makeDocument(routes, config), null, 2)
  }
  return { text: makeText }
}
