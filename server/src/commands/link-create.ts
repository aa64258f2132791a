import { readNextConversations } from '../conversations/read-next.ts'
import type { Store } from '../database/store.ts'
import { csvLine } from '../imports/read-csv.ts'
import { CommandError } from './command-error.ts'
import { findChannel, findOrganization } from './find.ts'
import { answer, type CommonOptions, print, printable } from './output.ts'
import { showProgress } from './progress.ts'
import { checkText } from './texts.ts'
import { withStore } from './with-store.ts'

interface Options extends CommonOptions {
  organization: string
  conversation?: string
  user?: string
  channel?: string
  all?: true
}

/** Conversations linked in one transaction: some ms, so that no other write waits long. */
const CHUNK = 500

/** Prints one link, or, with `--all`, a line of CSV for each conversation of a channel. */
export async function run(options: Options): Promise<void> {
  const { conversation, user, channel, all, json } = options
  const given = [conversation, user, channel].filter((value) => value !== undefined)
  if (given.length !== 1 || (channel !== undefined) !== (all === true)) {
    throw new CommandError('Give one of --conversation ID, --user CUID, and --channel ID with --all', 2)
  }
  if (all && json) throw new CommandError('--all prints CSV: leave out --json', 2)
  await withStore(async (store) => {
    const { orgId } = await findOrganization(store, options.organization)
    if (channel !== undefined) await linkChannel(store, orgId, channel)
    else {
      const d10xLinkId =
        user === undefined
          ? await linkConversation(store, orgId, conversation ?? '')
          : await store.write('createUserLink', { orgId, cuid: checkText('--user', user), eventTimestamp: Date.now() })
      answer(options, d10xLinkId, { d10xLinkId })
    }
  })
}

async function linkConversation(store: Store, orgId: number, conversationId: string): Promise<string> {
  const row = await store.db
    .selectFrom('conversations as c')
    .select('c.conversation_key')
    .where('c.org_id', '=', orgId)
    .where('c.conversation_id', '=', conversationId)
    .executeTakeFirst()
  const links = await store.write('linkConversations', { orgId, conversationKeys: row ? [row.conversation_key] : [] })
  const [linkId] = links.values()
  if (linkId === undefined) throw new CommandError(`The organization has no conversation ${printable(conversationId)}`)
  return linkId
}

async function linkChannel(store: Store, orgId: number, mediumId: string): Promise<void> {
  const { channelKey } = await findChannel(store, orgId, mediumId)
  const progress = showProgress('Linking', await countConversations(store, orgId, channelKey))
  await print('conversationId,d10xLinkId\n')
  let done = 0
  for (let after = ''; ; ) {
    const rows = await readNextConversations(store.db, { orgId, channelKey, after, limit: CHUNK })
    const last = rows.at(-1)
    if (!last) break
    after = last.platform_user_id
    const conversationKeys = rows.map((row) => row.conversation_key)
    const linkOf = await store.write('linkConversations', { orgId, conversationKeys })
    const lines = rows.map(({ conversation_key, conversation_id }) => {
      const linkId = linkOf.get(conversation_key)
      // erased since it was read
      return linkId === undefined ? '' : `${csvLine([conversation_id, linkId])}\n`
    })
    await print(lines.join(''))
    done += rows.length
    progress.update(done, `${done} conversations`)
  }
  progress.stop()
}

async function countConversations({ db }: Store, orgId: number, channelKey: number): Promise<number> {
  const row = await db
    .selectFrom('conversations as c')
    .select((select) => select.fn.countAll<number>().as('conversations'))
    .where('c.org_id', '=', orgId)
    .where('c.channel_key', '=', channelKey)
    .executeTakeFirstOrThrow()
  return Number(row.conversations)
}
