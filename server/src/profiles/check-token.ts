import { isRecord } from '../http/is-record.ts'
import { dataIn, type Graph, GraphError } from './graph.ts'
import { PROFILE_FIELDS } from './profile.ts'

/** Something that was asked of the platform about an access token, and what it means. */
export interface Finding {
  isOk: boolean
  text: string
}

export interface TokenCheck {
  findings: Finding[]
  /** the page or account that the token is for; null: it could not be told */
  owner: { id: string; name: string | null } | null
  missingPermissions: string[]
}

interface CheckedChannel {
  type: 'FB_PAGE' | 'INSTAGRAM_ACCOUNT'
  platformId: string
}

/** What a token must be allowed to do: shown by doing it, since a page's token cannot be asked for its permissions. */
interface Ability {
  what: string
  path: string
  params: Record<string, string>
  permissions: string[]
  /** what is wrong with an answer all the same */
  fault?: (body: Record<string, unknown>) => string | null
}

const NOT_SUBSCRIBED = 'no webhooks come (POST /PAGE/subscribed_apps)'

const ABILITIES: Record<CheckedChannel['type'], [Ability, ...Ability[]]> = {
  FB_PAGE: [
    {
      what: 'reads conversations and the people in them',
      path: 'me/conversations',
      params: { platform: 'messenger', fields: 'participants', limit: '1' },
      permissions: ['pages_messaging'],
    },
    {
      what: 'is sent webhooks',
      path: 'me/subscribed_apps',
      params: { fields: 'subscribed_fields' },
      permissions: ['pages_manage_metadata'],
      fault: (body) => subscriptionFault(body, 'messages'),
    },
  ],
  INSTAGRAM_ACCOUNT: [
    {
      what: 'reads conversations and the people in them',
      path: 'me/conversations',
      params: { platform: 'instagram', fields: 'participants', limit: '1' },
      permissions: ['instagram_basic', 'instagram_manage_messages'],
    },
    {
      what: 'is sent webhooks',
      path: 'me/subscribed_apps',
      params: { fields: 'subscribed_fields' },
      permissions: ['pages_manage_metadata'],
      // which fields of an account are sent is a setting of the app
      fault: (body) => subscriptionFault(body),
    },
  ],
}

/**
 * Asks the platform whether a channel's access token works, whose it is, and what it may do. Nothing of what it finds
 * tells the token.
 */
export async function checkAccessToken(graph: Graph, token: string, channel: CheckedChannel): Promise<TokenCheck> {
  const check: TokenCheck = { findings: [], owner: null, missingPermissions: [] }
  const isInstagram = channel.type === 'INSTAGRAM_ACCOUNT'
  const fields = isInstagram ? 'id,name,instagram_business_account{id,username}' : 'id,name'
  try {
    const { body } = await graph.get('me', { fields }, token)
    check.findings.push({ isOk: true, text: 'The access token works' })
    check.owner = isInstagram ? accountOf(body.instagram_business_account) : ownerOf(body.id, body.name)
    check.findings.push(compareOwner(check.owner, channel))
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    check.findings.push({ isOk: false, text: tokenFault(error, isInstagram) })
    if (error.fault === 'forbidden') check.missingPermissions.push(...error.permissions)
    // nothing else can be told with a token that does not work
    return check
  }
  const [reading, ...others] = ABILITIES[channel.type]
  const conversations = await tryAbility(graph, token, reading, check)
  if (conversations) await tryProfile(graph, token, channel.type, { body: conversations, owner: check.owner, check })
  for (const ability of others) await tryAbility(graph, token, ability, check)
  return check
}

function accountOf(account: unknown): TokenCheck['owner'] {
  return isRecord(account) ? ownerOf(account.id, account.username) : null
}

function ownerOf(id: unknown, name: unknown): TokenCheck['owner'] {
  return typeof id === 'string' ? { id, name: typeof name === 'string' ? name : null } : null
}

function compareOwner(owner: TokenCheck['owner'], { type, platformId }: CheckedChannel): Finding {
  const kind = type === 'FB_PAGE' ? 'page' : 'Instagram account'
  if (owner === null)
    return {
      isOk: false,
      text: `The token is for no ${kind}: take the access token of the page that is connected to it`,
    }
  const called = owner.name === null ? owner.id : `${owner.id} (${owner.name})`
  if (owner.id === platformId) return { isOk: true, text: `It is for ${kind} ${called}` }
  return {
    isOk: false,
    text: `It is for ${called}, and the channel is ${kind} ${platformId}: take the token of that ${kind}`,
  }
}

function tokenFault({ fault, code, permissions }: GraphError, isInstagram: boolean): string {
  if (fault === 'refused') return `The platform refuses the access token (${code}): it has expired or was withdrawn`
  if (fault === 'forbidden')
    return `The token lacks ${permissions.join(', ') || 'a permission'} (${code}): give the app the permissions, then make the token anew`
  if (fault === 'limited') return `The platform was asked too much (${code}): try again in an hour`
  if (fault === 'unknown' && isInstagram)
    return `The token is not for a page (${code}): take the access token of the page that is connected to the account`
  return `The platform does not answer as it should (${code}): try again, and see META_GRAPH_URL`
}

/** @returns what the platform answered; null where it refused */
async function tryAbility(
  graph: Graph,
  token: string,
  { what, path, params, permissions, fault }: Ability,
  { findings, missingPermissions }: TokenCheck,
): Promise<Record<string, unknown> | null> {
  try {
    const { body } = await graph.get(path, params, token)
    const text = fault?.(body) ?? null
    findings.push(
      text === null ? { isOk: true, text: `It ${what} (${permissions.join(', ')})` } : { isOk: false, text },
    )
    return body
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    if (error.fault !== 'forbidden' && error.code !== '230') {
      findings.push({ isOk: false, text: `Whether it ${what} cannot be told (${error.code})` })
      return null
    }
    const missing = error.permissions.length > 0 ? error.permissions : permissions
    findings.push({ isOk: false, text: `It lacks ${missing.join(', ')} (${error.code})` })
    missingPermissions.push(...missing.filter((name) => !missingPermissions.includes(name)))
    return null
  }
}

/** The profile of whoever is in the latest conversation: to list somebody is not yet to read who they are. */
async function tryProfile(
  graph: Graph,
  token: string,
  type: CheckedChannel['type'],
  { body, owner, check }: { body: Record<string, unknown>; owner: TokenCheck['owner']; check: TokenCheck },
): Promise<void> {
  const [conversation] = dataIn(body)
  const person = dataIn(conversation?.participants).find(({ id }) => id !== owner?.id)
  if (typeof person?.id !== 'string' || !/^\d+$/.test(person.id)) {
    check.findings.push({ isOk: true, text: 'Nobody has written yet: whether it reads profiles shows with the first' })
    return
  }
  const permissions = type === 'FB_PAGE' ? ['Business Asset User Profile Access'] : ['instagram_manage_messages']
  const params = { fields: PROFILE_FIELDS[type] }
  await tryAbility(graph, token, { what: 'reads profiles', path: person.id, params, permissions }, check)
}

function subscriptionFault(body: Record<string, unknown>, field?: string): string | null {
  const apps = dataIn(body)
  if (apps.length === 0) return `The app is not subscribed to the page: ${NOT_SUBSCRIBED}`
  const isSent = ({ subscribed_fields: fields }: Record<string, unknown>) =>
    Array.isArray(fields) && fields.includes(field)
  return field === undefined || apps.some(isSent)
    ? null
    : `No app is subscribed to the page's ${field}: ${NOT_SUBSCRIBED}`
}
