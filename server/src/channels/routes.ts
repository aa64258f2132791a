import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Store } from '../database/store.ts'
import { errors } from '../http/errors.ts'
import { Joi, validateInput } from '../http/input.ts'
import type { Operation } from '../http/operation.ts'
import { selectWorkspaceKey } from '../workspaces/store.ts'
import { selectChannels } from './store.ts'

interface ChannelFilter {
  workspaceId?: string
}

const filterSchema = Joi.object<ChannelFilter, true>({
  workspaceId: Joi.text()
    .description('Only the channels that are connected to this workspace')
    .example('6655a1c0f0d3b2a49c8e7d62'),
})

const Channel = Type.Object(
  {
    id: Type.String({ description: 'What `mediumId` is elsewhere: `<type>_<platform id>`' }),
    type: Type.Union([Type.Literal('FB_PAGE'), Type.Literal('INSTAGRAM_ACCOUNT')]),
    name: Type.String(),
  },
  { $id: 'Channel', additionalProperties: false },
)

const operation: Operation = {
  operationId: 'listChannels',
  tag: 'Directory',
  summary: 'List channels',
  description: 'The connected Facebook pages and Instagram accounts, all of them, ordered by name, then id.',
  signed: true,
  query: filterSchema,
  ok: {
    description: 'The channels',
    mediaType: 'application/json',
    schema: Type.Array(Channel),
    example: [{ id: 'FB_PAGE_123456789012345', type: 'FB_PAGE', name: 'Acme Sports' }],
  },
  failures: [errors.unknownWorkspace()],
}

/** `GET /channels` */
export function channelRoutes(app: FastifyInstance, { db }: Pick<Store, 'db'>): void {
  app.get('/channels', { config: { operation } }, async (request) => {
    const { orgId } = request.caller
    const { workspaceId } = validateInput(filterSchema, request.query)
    let workspaceKey: number | null = null
    if (workspaceId !== undefined) {
      request.trace = { workspaceId }
      workspaceKey = (await selectWorkspaceKey(db, orgId, workspaceId)) ?? null
      if (workspaceKey === null) throw errors.unknownWorkspace()
    }
    const rows = await selectChannels(db, orgId, workspaceKey)
    return rows.map((row): Static<typeof Channel> => ({ id: row.medium_id, type: row.type, name: row.name }))
  })
}
