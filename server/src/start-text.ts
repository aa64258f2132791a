import type { SampleFile } from '../sample/sample-file.ts'
import type { Config } from './config.ts'

/** What a person reads when the service has started: where it is, and a first request that works as pasted. */
export function startText(baseUrl: string, config: Config, sample: SampleFile | null): string {
  const store = config.databaseUrl === null ? `SQLite in ${config.dataDir}` : 'PostgreSQL'
  return `
Dynamo listens on ${baseUrl} (store: ${store}; Ctrl-C stops it)

  reference  ${baseUrl}/docs
  OpenAPI    ${baseUrl}/openapi.json
  health     ${baseUrl}/healthz
  metrics    ${baseUrl}/metrics
${sample ? sampleText(sample, config.dataDir) : NEXT_STEPS}
`
}

/** The same for a program: one line, before those of the log. */
export function startJson(baseUrl: string, store: string, sample: SampleFile | null): string {
  if (!sample) return `${JSON.stringify({ baseUrl, store })}\n`
  const { organizationId, workspaceId, mediumIds } = sample
  return `${JSON.stringify({ baseUrl, store, sample: { organizationId, workspaceId, mediumIds } })}\n`
}

const NEXT_STEPS = `
Your own data: npx dynamo setup --help`

function sampleText(sample: SampleFile, dataDir: string): string {
  const folder = dataDir === './data' ? '' : `DYNAMO_DATA_DIR='${dataDir.replaceAll("'", "'\\''")}' `
  const media = Object.entries(sample.mediumIds).map(([type, mediumId]) => `  ${type.padEnd(18)} ${mediumId}`)
  return `
The sample organization, also in sample.json in the data folder:
  API key            ${sample.apiKey}
  organization       ${sample.organizationId}
  VIP workspace      ${sample.workspaceId}
${media.join('\n')}

Its most valuable customers; paste this into bash:

${signedCurl(sample)}

The same without the signing by hand:

  ${folder}npx dynamo request GET '${listPath(sample)}'
`
}

function listPath({ workspaceId, mediumIds }: SampleFile): string {
  const query = new URLSearchParams({ workspaceId, mediumId: Object.values(mediumIds)[0] ?? '', limit: '3' })
  return `/vip-users?${query}`
}

/**
 * Date and signature are made by the shell, so that it works whenever it is pasted. After it the samples of the
 * reference work in the same shell: the variables are theirs.
 */
function signedCurl({ apiKey, secret, baseUrl, workspaceId, mediumIds }: SampleFile): string {
  return `KEY=${apiKey} SECRET=${secret}
URL=${baseUrl} WORKSPACE=${workspaceId} CHANNEL=${Object.values(mediumIds)[0] ?? ''}
DATE=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
SIGNATURE=$(printf %s "$DATE" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/^.* //')
curl -s -H "x-api-key: $KEY" -H "x-date: $DATE" -H "x-signature: $SIGNATURE" \\
  "$URL/vip-users?workspaceId=$WORKSPACE&mediumId=$CHANNEL&limit=3"`
}
