import { Type } from 'typebox'
import { errors } from '../http/errors.ts'
import type { Operation } from '../http/operation.ts'
import { filterSchema } from './filter.ts'

export const Channel = Type.Object(
  {
    id: Type.String({ description: 'What `mediumId` is elsewhere: `<type>_<platform id>`' }),
    type: Type.Union([Type.Literal('FB_PAGE'), Type.Literal('INSTAGRAM_ACCOUNT')]),
    name: Type.String(),
  },
  { $id: 'Channel', additionalProperties: false },
)

export const operation: Operation = {
  operationId: 'listChannels',
  tag: 'Directory',
  summary: 'List channels',
  description: 'The connected Facebook pages and Instagram accounts, all of them, ordered by name, then id.',
  scope: 'read',
  query: filterSchema,
  ok: {
    description: 'The channels',
    mediaType: 'application/json',
    schema: Type.Array(Channel),
    example: [{ id: 'FB_PAGE_123456789012345', type: 'FB_PAGE', name: 'Acme Sports' }],
  },
  failures: [errors.unknownWorkspace()],
}
