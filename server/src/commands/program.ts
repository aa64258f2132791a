import { Command, Help, InvalidArgumentError, Option } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { FIELDS } from '../users/resolve.ts'
import { printable } from './output.ts'

// Everything that the command line understands. What a command does is loaded when it runs: `dynamo key list` must
// not wait for what only `dynamo serve` needs.

interface CommandModule {
  // biome-ignore lint/suspicious/noExplicitAny: commander gives each command its own arguments and options
  run: (...given: any[]) => Promise<void>
}

/** A command with its module; arguments come first, options last. */
function add(parent: Command, usage: string, description: string, load: () => Promise<CommandModule>): Command {
  return parent
    .command(usage)
    .description(description)
    .action(async (...given) => {
      const { run } = await load()
      // the last one is the command itself
      await run(...given.slice(0, -1))
    })
    .option('--json', 'print one JSON object')
}

const ORGANIZATION = ['--organization <id>', "the organization's id", parseId] as const
const WORKSPACE = ['--workspace <id>', "the workspace's id", parseId] as const
const CHANNEL = ['--channel <id>', "the channel's id, which the API calls mediumId", parseId] as const
const VIP_INDICATOR = [
  '--vip-indicator <rule>',
  'who is VIP: the key of a property, or a condition such as "ltv >= 100"',
] as const
const PLATFORM_ID = ['--platform-id <id>', "the platform's id of the page or account"] as const
const ACCESS_TOKEN = [
  '--access-token [token]',
  'for the Graph API: from DYNAMO_ACCESS_TOKEN, or from standard input with - (an argument can be seen by others)',
] as const
const AS_OF = [
  '--as-of <time>',
  'when the rows were so: epoch ms or ISO-8601 (default: when the file was changed)',
] as const

const channelType = () =>
  new Option('--type <type>', 'what the channel is').choices(['FB_PAGE', 'INSTAGRAM_ACCOUNT']).makeOptionMandatory()

export function createProgram(): Command {
  const program = new Command('dynamo')
    .description('Dynamo: VIP lists for social games, over a signed HTTP API. Settings come from the environment.')
    .version(packageJson.version)
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureHelp({ showGlobalOptions: false, optionDescription: describeOption })
    .configureOutput({ outputError: (text, write) => write(text.split('\n').map(printable).join('\n')) })
  serviceCommands(program)
  directoryCommands(program)
  userCommands(program)
  conversationCommands(program)
  erasureCommands(program)
  linkCommands(program)
  keyCommands(program)
  importCommands(program)
  exportCommands(program)
  return program
}

/** A variable of the shell that is not set leaves an empty text. */
function parseId(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.')
  return text
}

function describeOption(option: Option): string {
  const description = new Help().optionDescription(option)
  return option.mandatory ? `${description} (required)` : description
}

function serviceCommands(program: Command): void {
  add(program, 'serve', 'run the service until it is stopped', () => import('./serve.ts')).addOption(
    new Option('--with-sample', 'load the sample organization into an empty store').hideHelp(),
  )
  add(program, 'migrate', "bring the store's schema up to date", () => import('./migrate.ts'))
  add(
    program,
    'verify',
    'derive everything in the store anew from the facts and report each difference',
    () => import('./verify.ts'),
  ).option(...ORGANIZATION)
  add(
    program,
    'compact',
    "overwrite what erased rows have left in the store's pages and files",
    () => import('./compact.ts'),
  )
  add(
    program,
    'backup <file>',
    'write the embedded store to a file, also while a server runs',
    () => import('./backup.ts'),
  )
  add(
    program,
    'restored',
    'make clients forget what they kept of lists: run it once after a backup was put back, before a server starts',
    () => import('./restored.ts'),
  )
  const sample = program.command('sample').description('load or remove the sample organization')
  add(sample, 'load', 'load the sample organization of 25,000 customers', () => import('./sample-load.ts')).option(
    '--as-of <date>',
    'the day before which its two years end (default: today)',
  )
  add(sample, 'remove', 'remove the sample organization, with all its rows', () => import('./sample-remove.ts'))
  add(program, 'request <method> <path>', 'sign a request, send it and print the answer', () => import('./request.ts'))
    .option('--data <json>', 'the body')
    .option('--key <key>', 'the API key (better: DYNAMO_KEY; default: the sample)')
    .option('--secret <secret>', 'its secret (better: DYNAMO_SECRET, which other users of the machine cannot see)')
    .option(
      '--url <url>',
      'where the service is (or DYNAMO_URL; default: as sample.json in the data folder says, else PUBLIC_URL or HOST:PORT)',
    )
}

function directoryCommands(program: Command): void {
  add(
    program,
    'setup [file]',
    'make an organization with a channel, a VIP workspace that lists it and a key; their ids go to a new file, or are printed',
    () => import('./setup.ts'),
  )
    .requiredOption('--name <name>', "the organization's name, and the channel's")
    .addOption(channelType())
    .requiredOption(...PLATFORM_ID)
    .requiredOption(...VIP_INDICATOR)

  const organization = program.command('organization').description('make, list and switch organizations')
  add(organization, 'list', 'list the organizations of the store', () => import('./organization-list.ts'))
  add(
    organization,
    'create',
    'make an organization and print its id',
    () => import('./organization-create.ts'),
  ).requiredOption('--name <name>', "the organization's name")
  add(organization, 'set', 'switch an organization on or off', () => import('./organization-set.ts'))
    .requiredOption(...ORGANIZATION)
    .addOption(
      new Option('--active <flag>', 'off: its requests are answered 402')
        .choices(['true', 'false'])
        .makeOptionMandatory(),
    )

  const workspace = program.command('workspace').description('make and show workspaces, and set who is VIP')
  add(workspace, 'list', "list an organization's workspaces", () => import('./workspace-list.ts')).requiredOption(
    ...ORGANIZATION,
  )
  add(workspace, 'create', 'make a workspace and print its id', () => import('./workspace-create.ts'))
    .requiredOption(...ORGANIZATION)
    .requiredOption('--name <name>', "the workspace's name")
    .addOption(
      new Option('--type <type>', 'what the workspace is for: VIP has lists')
        .choices(['VIP', 'STANDARD'])
        .makeOptionMandatory(),
    )
    .option(...VIP_INDICATOR)
  add(workspace, 'set', 'give a workspace another rule and mark all users anew', () => import('./workspace-set.ts'))
    .requiredOption(...WORKSPACE)
    .requiredOption(...VIP_INDICATOR)
  add(
    workspace,
    'show',
    "show a workspace's rule and how its lists stand",
    () => import('./workspace-show.ts'),
  ).requiredOption(...WORKSPACE)

  const channel = program
    .command('channel')
    .description('make, connect and check channels: Facebook pages and Instagram accounts')
  add(
    channel,
    'list',
    "list an organization's channels, and the workspaces that they are connected to",
    () => import('./channel-list.ts'),
  ).requiredOption(...ORGANIZATION)
  add(channel, 'create', 'make a channel and print its id', () => import('./channel-create.ts'))
    .requiredOption(...ORGANIZATION)
    .addOption(channelType())
    .requiredOption(...PLATFORM_ID)
    .requiredOption('--name <name>', "the channel's name")
    .option(...ACCESS_TOKEN)
  add(channel, 'set', 'give a channel another access token, or take it away', () => import('./channel-set.ts'))
    .requiredOption(...ORGANIZATION)
    .requiredOption(...CHANNEL)
    .option(...ACCESS_TOKEN)
    .option('--clear-access-token', 'take the token away: no profiles are read any more')
  add(
    channel,
    'import',
    'read the conversations that the platform has of a channel',
    () => import('./channel-import.ts'),
  )
    .requiredOption(...ORGANIZATION)
    .requiredOption(...CHANNEL)
  add(channel, 'check', "ask the platform what a channel's access token is worth", () => import('./channel-check.ts'))
    .requiredOption(...ORGANIZATION)
    .requiredOption(...CHANNEL)
  add(channel, 'connect', 'connect a channel to a workspace and make its list', () => import('./channel-connect.ts'))
    .requiredOption(...WORKSPACE)
    .requiredOption(...CHANNEL)
  add(channel, 'disconnect', 'take a channel from a workspace, with its list', () => import('./channel-disconnect.ts'))
    .requiredOption(...WORKSPACE)
    .requiredOption(...CHANNEL)
}

function erasureCommands(program: Command): void {
  const receipt = program.command('receipt').description('the receipts of erasures')
  add(
    receipt,
    'list',
    "list an organization's erasures: when, and how many rows",
    () => import('./receipt-list.ts'),
  ).requiredOption(...ORGANIZATION)
  const erasure = program.command('erasure').description('the erasures of users')
  add(
    erasure,
    'reapply',
    'erase again who is in erasures.ndjson: run it after a backup was put back',
    () => import('./erasure-reapply.ts'),
  )
}

function userCommands(program: Command): void {
  const user = program.command('user').description('correct, explain and hand out what is known of a user')
  add(user, 'set <cuid>', 'enter what you know of a user; it is trusted most', () => import('./user-set.ts'))
    .requiredOption(...ORGANIZATION)
    .option('--birthday <date>', 'YYYY-MM-DD, or --MM-DD without a year')
    .option('--first-name <name>', 'the first name')
    .option('--last-name <name>', 'the last name')
    .addOption(
      new Option('--clear <field>', `take back what was entered: ${FIELDS.join(', ')}; may be repeated`)
        .default([], 'nothing')
        .argParser<string[]>((field, fields) => {
          if (!FIELDS.some((known) => known === field))
            throw new InvalidArgumentError(`It is one of ${FIELDS.join(', ')}.`)
          return [...fields, field]
        }),
    )
  add(
    user,
    'explain <cuid>',
    'say what is known of a user, why, and in which lists it shows',
    () => import('./user-explain.ts'),
  ).requiredOption(...ORGANIZATION)
  add(
    user,
    'export <cuid>',
    'print all that is kept of a user, for who asks for their data',
    () => import('./user-export.ts'),
  ).requiredOption(...ORGANIZATION)
}

function conversationCommands(program: Command): void {
  const conversation = program
    .command('conversation')
    .description('hand out and erase what is known of who wrote on a channel, and is no user')
  add(
    conversation,
    'export <platformUserId>',
    'print all that is kept of them, for who asks for their data',
    () => import('./conversation-export.ts'),
  )
    .requiredOption(...ORGANIZATION)
    .requiredOption(...CHANNEL)
  add(conversation, 'erase <platformUserId>', 'erase all that is kept of them', () => import('./conversation-erase.ts'))
    .requiredOption(...ORGANIZATION)
    .requiredOption(...CHANNEL)
}

function linkCommands(program: Command): void {
  const link = program.command('link').description('make D10x links, which tell who comes from which conversation')
  add(
    link,
    'create',
    'print the D10x link of a conversation, or a new one for a user',
    () => import('./link-create.ts'),
  )
    .requiredOption(...ORGANIZATION)
    .option('--conversation <id>', 'the conversation that it stands for')
    .option('--user <cuid>', 'the user whose first conversation will come with it')
    .option('--channel <id>', 'with --all: the channel', parseId)
    .option('--all', 'a line of CSV for each conversation of the channel')
}

function keyCommands(program: Command): void {
  const key = program.command('key').description('make, list and revoke API keys')
  add(key, 'create', 'make an API key and print it with its secret, this once', () => import('./key-create.ts'))
    .requiredOption(...ORGANIZATION)
    .option('--label <label>', 'what the key is for')
    .option('--scope <scope>', 'what the key may do: read, report, erase (several joined by +) or all', 'all')
  add(key, 'list', "list an organization's API keys, never a secret", () => import('./key-list.ts')).requiredOption(
    ...ORGANIZATION,
  )
  add(key, 'revoke <key>', 'end an API key, within 5 s on every server', () => import('./key-revoke.ts'))
}

const COLUMNS = {
  conversations:
    'conversationId, mediumId*, platformUserId*, userName, firstName, lastName, profilePic, lastUserMessageTimestamp, cuid',
  users: 'cuid*, firstName, lastName, birthday, ltv, lastAppOpenTimestamp, timestamp; any further column is a property',
  purchases: 'cuid*, revenue*, timestamp*, purchaseId*',
} as const

function importCommands(program: Command): void {
  const parent = program.command('import').description('import conversations, users or purchases from a file')
  for (const kind of ['conversations', 'users', 'purchases'] as const) {
    const command = add(
      parent,
      `${kind} <file>`,
      `import ${kind} from a CSV or NDJSON file; - is standard input`,
      async () => {
        const { run } = await import('./import.ts')
        return { run: (file, options) => run(kind, file, options) }
      },
    )
      .requiredOption(...ORGANIZATION)
      .addOption(
        new Option('--format <format>', 'what the file is (default: by its name, else its content)').choices([
          'csv',
          'ndjson',
        ]),
      )
    if (kind !== 'purchases') command.option(...AS_OF)
    command.addHelpText('after', () => importHelp(kind))
  }
}

function exportCommands(program: Command): void {
  const parent = program.command('export').description('write a list to a file')
  add(
    parent,
    'vip-users [file]',
    "write a workspace's VIP users on a channel, best first; without a file to standard output",
    async () => {
      const { run } = await import('./export-vip-users.ts')
      return { run: (file = '-', options) => run(file, options) }
    },
  )
    .requiredOption(...WORKSPACE)
    .requiredOption(...CHANNEL)
    .addOption(new Option('--format <format>', 'what to write').choices(['csv', 'ndjson', 'excel']).default('csv'))
    .option('--has-birthday', 'only users with a known birthday')
    .option('--birthday-month <month>', 'only users whose birthday is in this month, 1 to 12', parseMonth)
}

function parseMonth(text: string): number {
  if (!/^(?:[1-9]|1[0-2])$/.test(text)) throw new InvalidArgumentError('It is a number from 1 to 12.')
  return Number(text)
}

function importHelp(kind: keyof typeof COLUMNS): string {
  // users alone have properties
  const types = `
A CSV cell that is a JSON number, true or false has that type where it is a property; ids and names are text.`
  return `
Columns (* required): ${COLUMNS[kind]}
A timestamp is epoch ms or ISO-8601. An empty cell says nothing.${kind === 'users' ? types : ''}
Rows that are refused are told, go to FILE.rejected with a column #reason, which an import ignores, and the rest is
imported; then the exit code is 1.`
}
