import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, loadConfig, settingsTable, withPort } from './config.ts'

test('without any setting the service listens on the loopback over the embedded store', () => {
  assert.deepEqual(loadConfig({}), {
    host: '127.0.0.1',
    port: 4000,
    databaseUrl: null,
    dataDir: './data',
    masterKey: null,
    sample: true,
    publicUrl: 'http://127.0.0.1:4000',
    metricsToken: null,
    meta: null,
    exports: { storage: 'fs' },
    graphUrl: 'https://graph.facebook.com/v23.0',
    warnings: [],
    signature: { window: 'age', pastSeconds: 60, futureSeconds: 5 },
    logLevel: 'info',
  })
})

test('an empty setting counts as unset, but for the secrets of webhooks', () => {
  const names = settingsTable().map(({ name }) => name)
  const empty = Object.fromEntries(names.filter((name) => !/^META_(APP|VERIFY)/.test(name)).map((name) => [name, '']))
  assert.deepEqual(loadConfig(empty), loadConfig({}))
  for (const secrets of ['', ' ', ',', 'one,', ',one', 'one,,two', 'one, two']) {
    assert.throws(
      () => loadConfig({ META_APP_SECRET: secrets, META_VERIFY_TOKEN: 'token' }),
      /^ConfigError: META_APP_SECRET must/,
    )
  }
  for (const token of ['', ' ', 'a b']) {
    assert.throws(
      () => loadConfig({ META_APP_SECRET: 'one', META_VERIFY_TOKEN: token }),
      /^ConfigError: META_VERIFY_TOKEN must/,
    )
  }
  const half = loadConfig({ META_APP_SECRET: 'one' })
  assert.deepEqual(
    [half.meta, half.warnings],
    [null, ['META_APP_SECRET is set and META_VERIFY_TOKEN is not: no webhooks are taken']],
  )
  const both = loadConfig({ META_APP_SECRET: 'one,two', META_VERIFY_TOKEN: 'token' })
  assert.deepEqual(both.meta, { appSecrets: ['one', 'two'], verifyToken: 'token' })
})

test('all faults of the settings are named at once, with what is allowed and without what was given', () => {
  const given = {
    HOST: 'not a host',
    PORT: '65536',
    DATABASE_URL: 'mysql://root:hunter2@db/x',
    DYNAMO_MASTER_KEY: 'hunter2',
    DYNAMO_SAMPLE: 'maybe',
    PUBLIC_URL: 'ftp://x',
    METRICS_TOKEN: 'hunter2',
    SIGNATURE_WINDOW: 'wide',
    SIGNATURE_PAST_SECONDS: '-1',
    SIGNATURE_FUTURE_SECONDS: '0.5',
    LOG_LEVEL: 'loud',
  }
  assert.throws(
    () => loadConfig(given),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.deepEqual(
        error.faults.map((fault) => fault.split(' ')[0]),
        Object.keys(given),
      )
      assert.ok(error.faults.includes('PORT must be a port, 0 to 65535'))
      assert.doesNotMatch(error.message, /hunter2/)
      return true
    },
  )
})

const PORTS: [string, number | null][] = [
  ['0', 0],
  ['65535', 65535],
  ['65536', null],
  ['-1', null],
  ['80.5', null],
  ['http', null],
]
for (const [text, port] of PORTS) {
  test(`PORT=${text} is ${port === null ? 'refused' : `port ${port}`}`, () => {
    if (port === null) assert.throws(() => loadConfig({ PORT: text }), ConfigError)
    else assert.equal(loadConfig({ PORT: text }).port, port)
  })
}

const MASTER_KEYS: [string, boolean][] = [
  ['0f'.repeat(32), true],
  ['0F'.repeat(32), true],
  [Buffer.alloc(32, 7).toString('base64'), true],
  [Buffer.alloc(32, 255).toString('base64url'), true],
  ['0f'.repeat(31), false],
  [Buffer.alloc(31).toString('base64'), false],
  [Buffer.alloc(33).toString('base64'), false],
]
for (const [key, isAllowed] of MASTER_KEYS) {
  test(`a master key of the form ${key.slice(0, 6)}… with ${key.length} characters is ${isAllowed ? 'taken' : 'refused'}`, () => {
    if (isAllowed) assert.equal(loadConfig({ DYNAMO_MASTER_KEY: key }).masterKey, key)
    else assert.throws(() => loadConfig({ DYNAMO_MASTER_KEY: key }), ConfigError)
  })
}

test('the public address loses its trailing slash', () => {
  assert.equal(loadConfig({ PUBLIC_URL: 'https://vip.example.com/api/' }).publicUrl, 'https://vip.example.com/api')
})

test('a port that was found at the start becomes part of the default public address only', () => {
  assert.equal(withPort(loadConfig({ PORT: '0' }), 51234).publicUrl, 'http://127.0.0.1:51234')
  assert.equal(withPort(loadConfig({ PORT: '0', HOST: '::1' }), 51234).publicUrl, 'http://[::1]:51234')
  assert.equal(withPort(loadConfig({ PORT: '0', HOST: '0.0.0.0' }), 51234).publicUrl, 'http://127.0.0.1:51234')
  const set = loadConfig({ PORT: '0', PUBLIC_URL: 'https://vip.example.com' })
  assert.equal(withPort(set, 51234).publicUrl, 'https://vip.example.com')
})

test('settings cannot be changed after the start', () => {
  assert.ok(Object.isFrozen(loadConfig({})))
  assert.ok(Object.isFrozen(loadConfig({}).signature))
})

test('a bucket is named where exports go to one, and its keys come together', () => {
  assert.throws(
    () => loadConfig({ EXPORT_STORAGE: 's3' }),
    /^ConfigError: S3_BUCKET must be a bucket, where EXPORT_STORAGE is `s3`$/,
  )
  assert.throws(() => loadConfig({ EXPORT_STORAGE: 'ftp' }), /^ConfigError: EXPORT_STORAGE must be `fs` or `s3`$/)
  const together = /^ConfigError: S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be set together$/
  assert.throws(() => loadConfig({ S3_ACCESS_KEY_ID: 'key' }), together)
  assert.throws(() => loadConfig({ S3_SECRET_ACCESS_KEY: 'secret' }), together)
  assert.deepEqual(loadConfig({ EXPORT_STORAGE: 's3', S3_BUCKET: 'lists' }).exports, {
    storage: 's3',
    bucket: 'lists',
    region: 'us-east-1',
    endpoint: null,
    credentials: null,
  })
  const own = { S3_ENDPOINT: 'http://10.0.0.5:9000', S3_ACCESS_KEY_ID: 'key', S3_SECRET_ACCESS_KEY: 'secret' }
  const { exports } = loadConfig({ EXPORT_STORAGE: 's3', S3_BUCKET: 'lists', ...own })
  assert.partialDeepStrictEqual(exports, {
    endpoint: 'http://10.0.0.5:9000',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  })
})

test('every setting has a meaning in the table', () => {
  const table = settingsTable()
  assert.equal(table.length, 21)
  for (const { name, meaning } of table) assert.ok(meaning.length > 10, name)
  assert.deepEqual(
    table.find(({ name }) => name === 'PORT'),
    { name: 'PORT', default: '4000', meaning: 'The port to listen on; 0 takes any free one' },
  )
})
