import { Type } from 'typebox'
import type { Operation } from '../http/operation.ts'
import { filterSchema } from './filter.ts'

export const Organization = Type.Object(
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

export const operation: Operation = {
  operationId: 'listOrganizations',
  tag: 'Directory',
  summary: 'List organizations',
  description:
    'The organizations that the caller can reach: for an API key exactly one, its own. Unknown parameters are ignored.',
  scope: 'read',
  query: filterSchema,
  ok: {
    description: 'The organizations',
    mediaType: 'application/json',
    schema: Type.Array(Organization),
    example: [{ id: '6655a1c0f0d3b2a49c8e7d61', name: 'Acme Casino', role: 'ADMIN' }],
    headers: {
      'x-limit-applied': { description: 'The `limit` that was applied', schema: Type.Integer(), example: 100 },
    },
  },
}
