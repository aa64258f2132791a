import { Type } from 'typebox'
import { errors } from '../http/errors.ts'
import { nullable, type Operation } from '../http/operation.ts'
import { conversionSchema, newLinkSchema } from './link-schemas.ts'

export const markConversion: Operation = {
  operationId: 'markConversion',
  tag: 'Audience',
  scope: 'report',
  summary: 'Mark a conversion',
  description:
    'Records that the person behind a deep link converted; a link counts once. Answers the user whom the person was identified as, or null. With `identifyUserWithD10xUserId` a person to whom you have given no id gets one of ours, `d10x_…`, until you identify them yourself.',
  body: {
    schema: conversionSchema,
    examples: { one: { d10xLinkId: 'x7Gk2vQ9' }, own: { d10xLinkId: 'x7Gk2vQ9', identifyUserWithD10xUserId: true } },
  },
  ok: {
    description: 'Recorded',
    mediaType: 'application/json',
    schema: Type.Object({ userId: nullable('string', 'The known user id') }, { additionalProperties: false }),
    example: { userId: 'player-4711' },
  },
  failures: [errors.unknownLinks([{ index: 0, d10xLinkId: 'x7Gk2vQ9' }])],
}

export const createLink: Operation = {
  operationId: 'createLink',
  tag: 'Audience',
  scope: 'report',
  summary: 'Create a link',
  description:
    'A new D10x link id for a user who has no conversation yet, to be put into a deep link as `d10x_link_id`: the first conversation that comes with it is tied to the user.',
  body: { schema: newLinkSchema, examples: { one: { userId: 'player-4711' } } },
  ok: {
    description: 'The link',
    mediaType: 'application/json',
    schema: Type.Object({ d10xLinkId: Type.String() }, { additionalProperties: false }),
    example: { d10xLinkId: 'c0pYb3Jx9QmZkT2a' },
  },
}
