import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onStore } from '../../test/stores.ts'
import { createMetrics } from './metrics.ts'

onStore('SQLite', (get) => {
  test('codes of the Graph API that nobody knows are one series, whatever they look like', async () => {
    const metrics = createMetrics(get().store)
    for (const code of ['-1', '1e+21', '0', '999999', '-190', 'http 9xx', 'EAAG']) metrics.countGraphCall(code)
    for (const code of ['ok', '190', 'too large', 'http 5xx']) metrics.countGraphCall(code)
    const series = (await metrics.text()).split('\n').filter((line) => line.startsWith('dynamo_graph_calls_total'))
    assert.deepEqual(
      series.map((line) => line.slice('dynamo_graph_calls_total'.length)),
      ['{code="other"} 7', '{code="ok"} 1', '{code="190"} 1', '{code="too large"} 1', '{code="http 5xx"} 1'],
    )
  })
})
