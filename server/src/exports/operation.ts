import { Type } from 'typebox'
import { errors } from '../http/errors.ts'
import type { Operation } from '../http/operation.ts'
import { exportSchema } from './filter.ts'

const VipUserExport = Type.Object(
  {
    totalCount: Type.Integer({ description: 'How many rows the file has' }),
    csvUrl: Type.String({ description: 'Where the file is, for an hour; it needs no signing headers' }),
  },
  { $id: 'VipUserExport', additionalProperties: false },
)

export const operation: Operation = {
  operationId: 'exportVipUsers',
  tag: 'VIP users',
  summary: 'Export VIP users',
  description:
    'Every row of the list as it is at one moment, in a file. The answer comes when the file is stored: for a million rows after some seconds. The address expires after an hour (403), and ends when somebody is erased (404).\n\nThe file has a header line and the fields of `GET /vip-users` in their order; `null` is an empty cell. Checks come in the order of `GET /vip-users`.',
  scope: 'read',
  query: exportSchema,
  ok: {
    description: 'The file is stored',
    mediaType: 'application/json',
    schema: VipUserExport,
    example: {
      totalCount: 1021,
      csvUrl:
        'https://dynamo.example.com/exports/6655a1c0f0d3b2a49c8e7d61/vip-users-4be1c0f0d3b2a49c8e7d6142.csv?expires=1780149600&signature=kq0mE…',
    },
  },
  failures: [
    errors.notAVipWorkspace(),
    errors.unknownChannel(),
    errors.unknownWorkspace(),
    errors.exportFailed(undefined),
    errors.tooManyExports(),
  ],
}
