import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { Joi } from '../http/input.ts'
import type { Operation } from '../http/operation.ts'

const Organization = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    role: Type.Union(
      [Type.Literal('D10XADMIN'), Type.Literal('ADMIN'), Type.Literal('EDITOR'), Type.Literal('VIEWER')],
      { description: 'A key is `ADMIN`' },
    ),
  },
  { $id: 'Organization', additionalProperties: false },
)

/** The hosted API knows no 422 here, so that nothing in the query is refused: what cannot be used counts as left out. */
const DEFAULT_LIMIT = 100
const MAX_LIMIT = 500

const query = Joi.object({
  q: Joi.text().description('Case-insensitive part of the name').example('acme'),
  limit: Joi.integer()
    .min(1)
    .default(DEFAULT_LIMIT)
    .description(
      'The most organizations to return; more than 500 counts as 500. Anything but a whole number from 1 counts as left out',
    ),
}).unknown()

const operation: Operation = {
  operationId: 'listOrganizations',
  tag: 'Directory',
  summary: 'List organizations',
  description:
    'The organizations that the caller can reach: for an API key exactly one, its own. Unknown parameters are ignored.',
  signed: true,
  query,
  ok: {
    description: 'The organizations',
    mediaType: 'application/json',
    schema: Type.Array(Organization),
    example: [{ id: '6655a1c0f0d3b2a49c8e7d61', name: 'Acme Casino', role: 'ADMIN' }],
  },
}

/** `GET /organizations`. A key reaches one organization, so that no limit is ever felt. */
export function organizationRoutes(app: FastifyInstance): void {
  app.get('/organizations', { config: { operation } }, ({ caller, query }, reply) => {
    const organization: Static<typeof Organization> = {
      id: caller.organizationId,
      name: caller.organizationName,
      role: 'ADMIN',
    }
    const { q, limit } = query as { q?: unknown; limit?: unknown }
    reply.header('x-limit-applied', appliedLimit(limit))
    const matches = typeof q !== 'string' || caller.organizationName.toLowerCase().includes(q.toLowerCase())
    reply.send(matches ? [organization] : [])
  })
}

function appliedLimit(limit: unknown): number {
  return typeof limit === 'string' && /^[1-9]\d*$/.test(limit) ? Math.min(Number(limit), MAX_LIMIT) : DEFAULT_LIMIT
}
