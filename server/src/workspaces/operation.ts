import { Type } from 'typebox'
import { nullable, type Operation } from '../http/operation.ts'

export const Workspace = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    type: Type.Union([Type.Literal('VIP'), Type.Literal('STANDARD')], {
      description: 'A VIP workspace has the VIP list',
    }),
    vipIndicator: nullable('string', 'Who is VIP: the key of a user property, or a condition; null on a standard one'),
    vipIndicatorInProcess: Type.Boolean({
      description: 'Whether everybody is being marked anew; the old marking is served meanwhile',
    }),
  },
  { $id: 'Workspace', additionalProperties: false },
)

export const operation: Operation = {
  operationId: 'listWorkspaces',
  tag: 'Directory',
  summary: 'List workspaces',
  description:
    "All of the organization's workspaces, ordered by name, then id. A workspace groups some of the channels; a VIP workspace adds the VIP list. Parameters are ignored.",
  scope: 'read',
  ok: {
    description: 'The workspaces',
    mediaType: 'application/json',
    schema: Type.Array(Workspace),
    example: [
      {
        id: '6655a1c0f0d3b2a49c8e7d62',
        name: 'High rollers',
        type: 'VIP',
        vipIndicator: 'ltv >= 500',
        vipIndicatorInProcess: false,
      },
    ],
  },
}
