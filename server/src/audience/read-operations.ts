import { Type } from 'typebox'
import { nullable, type Operation } from '../http/operation.ts'
import { identifiedSchema, propertiesOfSchema } from './read-schemas.ts'

export const listIdentified: Operation = {
  operationId: 'listIdentified',
  tag: 'Audience',
  scope: 'read',
  summary: 'List identified users',
  description:
    'The ids of all users who are tied to a conversation, page by page. A user who is identified while you read is on a later page, or on none.',
  query: identifiedSchema,
  ok: {
    description: 'The page',
    mediaType: 'application/json',
    schema: Type.Object(
      {
        users: Type.Array(Type.String()),
        next: nullable('string', 'To be sent as `next`; null after the last page'),
      },
      { additionalProperties: false },
    ),
    example: { users: ['player-4711', 'player-4712'], next: 'YWZ0ZXIgNDcxMg' },
    headers: {
      'x-limit-applied': { description: 'The `limit` that was applied', schema: Type.Integer(), example: 100 },
    },
  },
}

export const listProperties: Operation = {
  operationId: 'listProperties',
  tag: 'Audience',
  scope: 'read',
  summary: "List a user's properties",
  description: "A user's properties as they were sent, ordered by key; an unknown user has none.",
  params: propertiesOfSchema,
  ok: {
    description: 'The properties',
    mediaType: 'application/json',
    schema: Type.Array(
      Type.Object(
        { key: Type.String(), value: Type.Union([Type.String(), Type.Number(), Type.Boolean()]) },
        { additionalProperties: false },
      ),
    ),
    example: [
      { key: 'ltv', value: 149.99 },
      { key: 'plan', value: 'pro' },
    ],
  },
}
