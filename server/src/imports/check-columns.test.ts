import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkColumns } from './check-columns.ts'
import { conversationsKind } from './conversations.ts'
import type { KindOptions } from './kind.ts'
import { purchasesKind } from './purchases.ts'
import { usersKind } from './users.ts'

const OPTIONS: KindOptions = { orgId: 1, eventTimestamp: 0, lastTimestamp: 0, isText: true }

test('an import names the column that was probably meant, and for users asks for no more than cuid', () => {
  assert.throws(
    () => checkColumns(usersKind(OPTIONS), ['Cuid', 'tier']),
    /^Error: The column cuid is missing \(did you mean cuid by Cuid\?\); only cuid is required, and any further column is a property$/,
  )
  assert.throws(
    () => checkColumns(purchasesKind(OPTIONS), ['userId', 'Revenue', 'timestamp']),
    /^Error: The columns cuid, revenue, purchaseId are missing \(did you mean cuid by userId, revenue by Revenue\?\); the first line must name the columns cuid, revenue, timestamp, purchaseId$/,
  )
  assert.throws(
    () => checkColumns(conversationsKind(OPTIONS), ['mediumId', 'platformUserId', 'user_name', 'nickname']),
    /^Error: The columns user_name, nickname are not known \(did you mean userName by user_name\?\); .* mediumId, platformUserId, and as you like conversationId,/,
  )
  checkColumns(usersKind(OPTIONS), ['cuid', 'Cuid'])
})
