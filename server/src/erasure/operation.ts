import { Type } from 'typebox'
import type { Operation } from '../http/operation.ts'
import { deletionSchema } from './schema.ts'

export const operation: Operation = {
  operationId: 'deleteUserData',
  tag: 'Audience',
  summary: 'Erase a user',
  description:
    'Unidentifies the user and deletes everything that is kept of them, their conversations included. The same answer comes for a user whom nobody knows. For 90 days what is reported of a time before it is dropped, answered 200; a receipt without personal data stays. Exported files of the organization that are still kept are deleted before the answer: ask for them again. What deleted rows leave in the files of the store is overwritten later, at the latest the next night.',
  scope: 'erase',
  body: { schema: deletionSchema, examples: { one: { userId: 'player-4711' } } },
  ok: {
    description: 'Erased',
    headers: {
      'x-erasure-receipt': {
        description: 'The id of the receipt',
        schema: Type.String(),
        example: '9f1c2b7a4d6e8f0a1b3c5d7e',
      },
    },
  },
}
