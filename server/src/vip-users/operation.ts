import { Type } from 'typebox'
import { errors } from '../http/errors.ts'
import { nullable, type Operation } from '../http/operation.ts'
import { filterSchema } from './filter.ts'

const VipUser = Type.Object(
  {
    conversationId: Type.String({ description: 'The conversation between the channel and this person' }),
    userName: nullable('string', 'The name on the platform: an Instagram user name, the full name on Messenger'),
    firstName: nullable('string', 'Resolved from what operators, the back end, the platform and the person said'),
    lastName: nullable('string', 'As `firstName`'),
    cuid: nullable('string', "The customer's own user id"),
    profilePic: nullable('string', 'Absolute address of the picture'),
    birthday: nullable('string', '`YYYY-MM-DD`, or `--MM-DD` where the year is not known. A date, in no time zone'),
    lastPurchaseTimestamp: nullable('integer', 'The latest purchase reported; epoch ms'),
    lastUserMessageTimestamp: nullable('integer', "The person's latest message on this channel; epoch ms"),
    lastAppOpenTimestamp: nullable('integer', 'The latest activity reported; epoch ms'),
    ltv: Type.Optional(Type.Number({ description: 'In units of the currency. With `include=ltv`' })),
    rank: Type.Optional(Type.Integer({ description: 'The place in the whole list, from 1 on. With `include=rank`' })),
    messagingWindowClosesAt: Type.Optional(
      nullable('integer', '24 hours after the latest message; epoch ms. With `include=messagingWindowClosesAt`'),
    ),
    nextBirthday: Type.Optional(
      nullable('string', '`YYYY-MM-DD`: today in `tz`, or later. With `include=nextBirthday`'),
    ),
    daysUntilBirthday: Type.Optional(nullable('integer', '0: today. With `include=daysUntilBirthday`')),
  },
  { $id: 'VipUser', additionalProperties: false },
)

const ETAG = '"k3J9x0Qp-3.7.1780146000000000"'

const VipUserPage = Type.Object(
  {
    items: Type.Array(VipUser),
    returned: Type.Integer({ description: 'How many `items` there are' }),
    total: Type.Integer({ description: 'How many users match the filters; always exact' }),
    mayHaveMore: Type.Boolean({ description: '`offset + returned < total`' }),
    nextOffset: nullable('integer', 'The `offset` of the next page; null after the last one'),
    scanCapped: Type.Literal(false, { description: 'Whether a scan limit cut the answer short: there is none' }),
  },
  { $id: 'VipUserPage', additionalProperties: false },
)

export const operation: Operation = {
  operationId: 'listVipUsers',
  tag: 'VIP users',
  summary: 'List VIP users',
  description:
    'The players marked VIP for a workspace, on one channel, highest lifetime value first, then by `conversationId`. An `offset` past the end is an empty page with the right `total`.\n\nChecks come in this order: signing (403), inactive organization (402), parameters (422), workspace (404), workspace type and channel (400).',
  scope: 'read',
  query: filterSchema,
  requestHeaders: {
    'If-None-Match': {
      description:
        'The `ETag` of the page that you have, or several: where the list is still that one, the answer is 304',
      schema: Type.String(),
      example: ETAG,
    },
  },
  ok: {
    description: 'The page',
    mediaType: 'application/json',
    schema: VipUserPage,
    example: {
      items: [
        {
          conversationId: 't_100017263549',
          userName: 'Aiko Tanaka',
          firstName: 'Aiko',
          lastName: 'Tanaka',
          cuid: 'player-4711',
          profilePic: 'https://dynamo.example.com/sample/pictures/7.svg',
          birthday: '1988-02-29',
          lastPurchaseTimestamp: 1780059600000,
          lastUserMessageTimestamp: 1780146000000,
          lastAppOpenTimestamp: 1780142400000,
        },
      ],
      returned: 1,
      total: 1021,
      mayHaveMore: true,
      nextOffset: 1,
      scanCapped: false,
    },
    headers: {
      ETag: {
        description: 'Names the version of the list; send it as `If-None-Match`',
        schema: Type.String(),
        example: ETAG,
      },
      'Cache-Control': {
        description: 'The caller may keep the page, and asks each time whether it still holds',
        schema: Type.Literal('private, no-cache'),
        example: 'private, no-cache',
      },
      'x-limit-applied': { description: 'The `limit` that was applied', schema: Type.Integer(), example: 1 },
    },
  },
  empty: { 304: 'The list is still the one that `If-None-Match` names' },
  failures: [errors.notAVipWorkspace(), errors.unknownChannel(), errors.unknownWorkspace()],
}
