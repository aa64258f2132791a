import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import pg from 'pg'

/**
 * The machine and the programs that the figures belong to, as lines of Markdown.
 *
 * @param others  programs that only this measurement needs, with their versions
 */
export async function describeMachine(databaseUrl: string | undefined, others: string[] = []): Promise<string[]> {
  const [load = 0] = loadavg()
  const memory = Math.round(totalmem() / 2 ** 30)
  return [
    `- machine: ${availableParallelism()} cores of ${cpus()[0]?.model.trim()}, ${memory} GiB, ${process.platform} ${process.arch}`,
    `- load before the run: ${load.toFixed(2)}`,
    `- versions: ${[...(await versions(databaseUrl)), ...others].join(', ')}`,
    `- commit: ${commit()}`,
  ]
}

async function versions(databaseUrl: string | undefined): Promise<string[]> {
  const { version } = JSON.parse(readFileSync(new URL(import.meta.resolve('fastify/package.json')), 'utf8'))
  const postgres = databaseUrl ? [`PostgreSQL ${await postgresVersion(databaseUrl)}`] : []
  const own = [`Node ${process.versions.node}`, `Fastify ${version}`, `SQLite ${process.versions.sqlite}`]
  return [...own, ...postgres]
}

async function postgresVersion(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query(
    `select current_setting('server_version') as version, current_setting('shared_buffers') as buffers,
      current_setting('max_wal_size') as wal`,
  )
  await client.end()
  const [{ version, buffers, wal }] = rows
  return `${version} with shared_buffers ${buffers} and max_wal_size ${wal}`
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    }).trim()
  } catch {
    return 'unknown'
  }
}
