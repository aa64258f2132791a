import BaseJoi from 'joi'

/** What the service is told by its environment. */
export interface Config {
  host: string
  /** 0: any free port */
  port: number
  /** a `postgres://` address; null: the embedded store in `dataDir` */
  databaseUrl: string | null
  dataDir: string
  /** 32 bytes as 64 hex digits or base64; null: the file `master.key` in `dataDir` */
  masterKey: string | null
  sample: boolean
  /** what our own addresses begin with, without a trailing slash */
  publicUrl: string
  metricsToken: string | null
  /** the Meta app whose webhooks are taken; null: none */
  meta: { appSecrets: readonly string[]; verifyToken: string } | null
  exports: ExportsConfig
  /** where the Graph API is, with its version, without a trailing slash */
  graphUrl: string
  /** what is set and does nothing, each a sentence for who starts the service */
  warnings: readonly string[]
  signature: { window: 'age' | 'offset'; pastSeconds: number; futureSeconds: number }
  logLevel: string
}

type ExportsConfig =
  | { storage: 'fs' }
  | {
      storage: 's3'
      bucket: string
      region: string
      /** null: Amazon's own */
      endpoint: string | null
      /** null: where the client finds them by itself */
      credentials: { accessKeyId: string; secretAccessKey: string } | null
    }

interface Settings {
  HOST: string
  PORT: number
  DATABASE_URL?: string
  DYNAMO_DATA_DIR: string
  DYNAMO_MASTER_KEY?: string
  DYNAMO_SAMPLE: 'on' | 'off'
  PUBLIC_URL?: string
  METRICS_TOKEN?: string
  META_APP_SECRET?: string
  META_VERIFY_TOKEN?: string
  EXPORT_STORAGE: 'fs' | 's3'
  S3_BUCKET?: string
  S3_REGION: string
  S3_ENDPOINT?: string
  S3_ACCESS_KEY_ID?: string
  S3_SECRET_ACCESS_KEY?: string
  META_GRAPH_URL: string
  SIGNATURE_WINDOW: 'age' | 'offset'
  SIGNATURE_PAST_SECONDS: number
  SIGNATURE_FUTURE_SECONDS: number
  LOG_LEVEL: string
}

/** A setting that cannot be used: a line for each, which says what is allowed and never what was given. */
export class ConfigError extends Error {
  readonly faults: string[]

  constructor(faults: string[]) {
    super(faults.join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']
/** A wider window would let whoever reads one signature use it for longer than a day. */
const MAX_WINDOW_SECONDS = 86_400
const APP_SECRETS = /^[^\s,]+(?:,[^\s,]+)*$/
const MASTER_KEY = /^(?:[0-9a-fA-F]{64}|[0-9A-Za-z+/_-]{43}=?)$/

function allow<S extends BaseJoi.AnySchema>(schema: S, allowed: string): S {
  return schema.empty('').messages({ '*': `{{#label}} must be ${allowed}` })
}

/** Not to be set without a value: an HMAC with an empty key is a forger's. */
const secret = (schema: BaseJoi.StringSchema, allowed: string) =>
  schema.messages({ '*': `{{#label}} must be ${allowed}` })

const seconds = () =>
  allow(
    BaseJoi.number().integer().min(0).max(MAX_WINDOW_SECONDS),
    `a whole number of seconds, 0 to ${MAX_WINDOW_SECONDS}`,
  )
const webAddress = (protocols: string[], allowed: string) => allow(BaseJoi.string().uri({ scheme: protocols }), allowed)

const LOOPBACK_HOST = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Access tokens go there: never in the clear over a network. */
function graphAddress(text: string): string {
  const { protocol, hostname, username, password, search, hash, href } = new URL(text)
  const isSafe = protocol === 'https:' || (protocol === 'http:' && LOOPBACK_HOST.test(hostname))
  if (!isSafe || username + password + search + hash !== '') throw new Error('not an address for access tokens')
  return href.replace(/\/+$/, '')
}

const SETTINGS = BaseJoi.object<Settings, true>({
  HOST: allow(BaseJoi.string().hostname(), 'a host name or an IP address')
    .default('127.0.0.1')
    .description('The address to listen on'),
  PORT: allow(BaseJoi.number().port(), 'a port, 0 to 65535')
    .default(4000)
    .description('The port to listen on; 0 takes any free one'),
  DATABASE_URL: webAddress(['postgres', 'postgresql'], 'a postgres:// address').description(
    'PostgreSQL instead of the embedded store: `postgres://user:password@host/database`',
  ),
  DYNAMO_DATA_DIR: allow(BaseJoi.string(), 'a folder')
    .default('./data')
    .description('The folder of the embedded store, and of the master key where none is set'),
  DYNAMO_MASTER_KEY: allow(
    BaseJoi.string().pattern(MASTER_KEY),
    '32 bytes as 64 hex digits or as base64 (`openssl rand -hex 32`)',
  ).description('The key that API secrets are encrypted with; without it one is made in `DYNAMO_DATA_DIR/master.key`'),
  DYNAMO_SAMPLE: allow(BaseJoi.string().valid('on', 'off'), '`on` or `off`')
    .default('on')
    .description('Whether `npm start` loads the sample organization into an empty store'),
  PUBLIC_URL: webAddress(['http', 'https'], 'an http:// or https:// address').description(
    'What the addresses that the service hands out begin with; without it `http://HOST:PORT`',
  ),
  METRICS_TOKEN: allow(BaseJoi.string().min(16), 'at least 16 characters').description(
    'The bearer token of `/metrics`; without it only this machine may read them',
  ),
  EXPORT_STORAGE: allow(BaseJoi.string().valid('fs', 's3'), '`fs` or `s3`')
    .default('fs')
    .description('Where exported files are kept: `fs`, the folder `exports` in `DYNAMO_DATA_DIR`, or `s3`'),
  S3_BUCKET: allow(BaseJoi.string(), 'a bucket, where EXPORT_STORAGE is `s3`')
    // biome-ignore lint/suspicious/noThenProperty: it is Joi's name
    .when('EXPORT_STORAGE', { is: 's3', then: BaseJoi.required() })
    .description('The bucket of exported files'),
  S3_REGION: allow(BaseJoi.string(), 'a region').default('us-east-1').description('The region of the bucket'),
  S3_ENDPOINT: webAddress(['http', 'https'], 'an http:// or https:// address').description(
    "The address of a service of one's own that speaks S3; without it Amazon's",
  ),
  S3_ACCESS_KEY_ID: allow(BaseJoi.string(), 'an access key').description(
    'The access key of the bucket; without it the AWS client looks for its own, as in its documentation',
  ),
  S3_SECRET_ACCESS_KEY: allow(BaseJoi.string(), 'a secret').description('The secret of the access key'),
  META_APP_SECRET: secret(
    BaseJoi.string().pattern(APP_SECRETS),
    'an app secret, or several with commas between, none of them empty',
  ).description(
    'The secret of the Meta app whose webhooks are taken; several with commas between while one replaces another. Without it `/webhooks/meta` is not there',
  ),
  META_VERIFY_TOKEN: secret(BaseJoi.string().pattern(/^\S+$/), 'a text without blanks, not an empty one').description(
    'What the Meta app is told to send when its webhook is set up. Without it `/webhooks/meta` is not there',
  ),
  META_GRAPH_URL: allow(
    BaseJoi.string().custom(graphAddress),
    'an https:// address, or http:// on this machine, without a query',
  )
    .default('https://graph.facebook.com/v23.0')
    .description("Where profiles are read: the Graph API's address with its version"),
  SIGNATURE_WINDOW: allow(BaseJoi.string().valid('age', 'offset'), '`age` or `offset`')
    .default('age')
    .description('What the two bounds below hold: the age of a request (now − x-date) or its offset (x-date − now)'),
  SIGNATURE_PAST_SECONDS: seconds().default(60).description('The upper bound: with `age`, how old `x-date` may be'),
  SIGNATURE_FUTURE_SECONDS: seconds()
    .default(5)
    .description('The lower bound, below zero: with `age`, how far `x-date` may lie ahead'),
  LOG_LEVEL: allow(BaseJoi.string().valid(...LOG_LEVELS), `one of ${LOG_LEVELS.join(', ')}`)
    .default('info')
    .description('The least severe log line that is written'),
})
  .and('S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY')
  .messages({ 'object.and': 'S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be set together' })
  .prefs({ abortEarly: false, stripUnknown: true, errors: { wrap: { label: false } } })

/**
 * The service's settings from its environment; an empty text counts as unset.
 *
 * @throws ConfigError  with a line for each setting that cannot be used
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const { value, error } = SETTINGS.validate(env)
  if (error) throw new ConfigError([...new Set(error.details.map((detail) => detail.message))])
  return deepFreeze({
    host: value.HOST,
    port: value.PORT,
    databaseUrl: value.DATABASE_URL ?? null,
    dataDir: value.DYNAMO_DATA_DIR,
    masterKey: value.DYNAMO_MASTER_KEY ?? null,
    sample: value.DYNAMO_SAMPLE === 'on',
    publicUrl: value.PUBLIC_URL?.replace(/\/+$/, '') ?? listeningAddress(value.HOST, value.PORT),
    metricsToken: value.METRICS_TOKEN ?? null,
    meta: metaOf(value),
    exports: exportsOf(value),
    graphUrl: value.META_GRAPH_URL,
    warnings: warningsOf(value),
    signature: {
      window: value.SIGNATURE_WINDOW,
      pastSeconds: value.SIGNATURE_PAST_SECONDS,
      futureSeconds: value.SIGNATURE_FUTURE_SECONDS,
    },
    logLevel: value.LOG_LEVEL,
  })
}

function exportsOf(value: Settings): ExportsConfig {
  if (value.EXPORT_STORAGE === 'fs') return { storage: 'fs' }
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = value
  return {
    storage: 's3',
    bucket: value.S3_BUCKET ?? '',
    region: value.S3_REGION,
    endpoint: value.S3_ENDPOINT ?? null,
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : null,
  }
}

function metaOf({ META_APP_SECRET: secrets, META_VERIFY_TOKEN: verifyToken }: Settings): Config['meta'] {
  return secrets === undefined || verifyToken === undefined ? null : { appSecrets: secrets.split(','), verifyToken }
}

function warningsOf({ META_APP_SECRET: secrets, META_VERIFY_TOKEN: verifyToken }: Settings): string[] {
  const [set, missing] =
    secrets === undefined ? ['META_VERIFY_TOKEN', 'META_APP_SECRET'] : ['META_APP_SECRET', 'META_VERIFY_TOKEN']
  const isHalf = (secrets === undefined) !== (verifyToken === undefined)
  return isHalf ? [`${set} is set and ${missing} is not: no webhooks are taken`] : []
}

/** The settings once the port is known: with port 0 the default of `publicUrl` depends on it. */
export function withPort(config: Config, port: number): Config {
  const isDefault = config.publicUrl === listeningAddress(config.host, config.port)
  return deepFreeze({ ...config, port, publicUrl: isDefault ? listeningAddress(config.host, port) : config.publicUrl })
}

/** How this machine reaches a server that listens there: `http://127.0.0.1:4000`. */
function listeningAddress(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`
  if (host === '::') return `http://[::1]:${port}`
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function deepFreeze(config: Config): Config {
  Object.freeze(config.signature)
  return Object.freeze(config)
}

/** The settings as the README's table shows them, made from the schema that reads them. */
export function settingsTable(): { name: string; default: string; meaning: string }[] {
  const keys: Record<string, { flags?: { default?: unknown; description?: string } }> = SETTINGS.describe().keys
  return Object.entries(keys).map(([name, { flags }]) => ({
    name,
    default: String(flags?.default ?? ''),
    meaning: flags?.description ?? '',
  }))
}
