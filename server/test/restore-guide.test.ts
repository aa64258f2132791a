import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { DYNAMO, dynamo, dynamoPrints, postSigned, serveDynamo } from './cli.ts'
import { blocksOf, cleanEnvironment, readDocument } from './documents.ts'

const run = promisify(execFile)

test('the commands of the guide back an SQLite store up, and put it back without who was erased since', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'))
  t.after(() => rm(folder, { recursive: true }))
  const { shell, dataDir } = await makeMachine(folder)
  const env = { DYNAMO_DATA_DIR: dataDir }
  const { organization, key } = await makeOrganization(env)
  const [backUp = '', restore = ''] = blocksOf(readDocument('docs/operate.md'))
    .filter(({ language, text }) => language === 'sh' && text.includes('dynamo.sqlite'))
    .map(({ text }) => here(text, folder))

  await shell(backUp)
  await shell(join(folder, 'bin/dynamo-backup'))
  const [backup = ''] = await readdir(join(folder, 'backups'))
  assert.match(backup, /^\d{4}-\d\d-\d\dT\d{6}Z$/)
  const server = await serveDynamo(env)
  const erased = await postSigned(`${server.url}/v1.0/user/deleteUserData`, key, { userId: 'ada' })
  assert.equal(erased.status, 200)
  await server.stop()
  await rename(join(dataDir, 'master.key'), join(folder, 'master.key'))

  const output = await shell(restore.replace(/backups\/[\dTZ-]+$/m, `backups/${backup}`))
  assert.equal(output.match(/fetches its lists anew/g)?.length, 1)
  assert.match(output, /^Erased again: 1, of whom 1 were there; known already: 0$/m)
  assert.match(output, /^Compacted; /m)
  assert.match(output, /^0 differences$/m)
  assert.equal(await readFile(join(folder, 'systemctl.log'), 'utf8'), 'stop dynamo\nstart dynamo\n')
  for (const file of ['dynamo.sqlite', 'master.key', 'erasures.ndjson']) {
    assert.equal((await stat(join(dataDir, file))).mode & 0o777, 0o600, file)
  }
  const person = (cuid: string) => dynamo(env, ['user', 'export', '--organization', organization, cuid])
  assert.match((await person('ada')).stderr, /has no user ada/)
  assert.equal((await person('ben')).code, 0)
})

/** What the guide's commands find on a machine; the unit is not there, so that who stops and starts it is written down. */
async function makeMachine(folder: string) {
  const [bin, dataDir] = [join(folder, 'bin'), join(folder, 'lib')]
  await mkdir(bin)
  await mkdir(dataDir, { mode: 0o700 })
  await writeFile(join(folder, 'dynamo.env'), `DYNAMO_DATA_DIR='${dataDir}'\n`)
  await writeFile(join(bin, 'sudo'), '#!/bin/sh\nshift 2\nexec "$@"\n', { mode: 0o755 })
  await writeFile(join(bin, 'systemctl'), `#!/bin/sh\necho "$@" >> ${folder}/systemctl.log\n`, { mode: 0o755 })
  const { PATH, ...env } = cleanEnvironment({})
  const shell = async (text: string) =>
    (await run('bash', ['-c', text], { cwd: folder, env: { ...env, PATH: `${bin}:${PATH}` } })).stdout
  return { shell, dataDir }
}

/** The guide's places as they are in the folder; its owner is whoever runs the test. */
function here(text: string, folder: string): string {
  return text
    .replaceAll('/opt/dynamo/node_modules/.bin/dynamo', DYNAMO)
    .replaceAll('/usr/local/bin/', `${folder}/bin/`)
    .replaceAll('/var/backups/dynamo', `${folder}/backups`)
    .replaceAll('/var/lib/dynamo', `${folder}/lib`)
    .replaceAll('/etc/dynamo.env', `${folder}/dynamo.env`)
    .replaceAll('/mnt/keys/', `${folder}/`)
    .replaceAll('-o dynamo -g dynamo ', '')
}

async function makeOrganization(env: Record<string, string>) {
  const rule = ['--platform-id', '4711', '--vip-indicator', 'ltv >= 1']
  const own = JSON.parse(await dynamoPrints(env, ['setup', '--name', 'Lynx', '--type', 'FB_PAGE', ...rule]))
  const organization: string = own.organizationId
  const rows = ['ada', 'ben'].map((cuid) => `${own.mediumId},of-${cuid},${cuid}\n`)
  const conversations = `mediumId,platformUserId,cuid\n${rows.join('')}`
  await dynamoPrints(env, ['import', 'conversations', '--organization', organization, '-'], conversations)
  return { organization, key: JSON.parse(await dynamoPrints(env, ['key', 'create', '--organization', organization])) }
}
