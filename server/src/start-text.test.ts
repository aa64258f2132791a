import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { loadConfig } from './config.ts'
import { startText } from './start-text.ts'

const SAMPLE = {
  baseUrl: 'http://127.0.0.1:4000',
  apiKey: 'a4d44ff0df87d368b519688a',
  secret: 'the-secret',
  organizationId: 'e72d9204cf70b1dcf1606cc2',
  workspaceId: 'd16fe578ee382f52a98a0c74',
  mediumIds: { FB_PAGE: 'FB_PAGE_1', INSTAGRAM_ACCOUNT: 'INSTAGRAM_ACCOUNT_1' },
}

test('what npm start prints to be pasted sets all that a sample of the reference about a list asks for', () => {
  const text = startText(SAMPLE.baseUrl, loadConfig({}), SAMPLE)
  const [pasted = ''] = /^KEY=[\s\S]*?limit=3"$/m.exec(text) ?? []
  const reference = 'printf "%s\\n" "$URL/vip-users?workspaceId=$WORKSPACE&mediumId=$CHANNEL" "$KEY" "$SECRET"'
  const script = `set -eu\ncurl() { printf '%s\\n' "$@"; }\n${pasted}\n${reference}`
  const lines = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n')
  const list = `${SAMPLE.baseUrl}/vip-users?workspaceId=${SAMPLE.workspaceId}&mediumId=FB_PAGE_1`
  assert.ok(lines.includes(`${list}&limit=3`))
  assert.ok(lines.some((line) => /^x-signature: [0-9a-f]{64}$/.test(line)))
  assert.deepEqual(lines.slice(-3), [list, SAMPLE.apiKey, SAMPLE.secret])
})
