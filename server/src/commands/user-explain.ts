import type { FieldExplanation } from '../users/explain-fields.ts'
import type { WorkspaceExplanation } from '../vip-users/explain-lists.ts'
import { explainUser, type UserExplanation } from '../vip-users/explain-user.ts'
import { CommandError } from './command-error.ts'
import { findOrganization } from './find.ts'
import { answer, type CommonOptions, printable } from './output.ts'
import { withStore } from './with-store.ts'

/** Why a user is shown as they are, and where. */
export async function run(cuid: string, options: CommonOptions & { organization: string }): Promise<void> {
  const explanation = await withStore(async (store) => {
    const { orgId } = await findOrganization(store, options.organization)
    return await explainUser(store, { orgId, cuid, now: Date.now() })
  })
  if (explanation === null) throw new CommandError(`The organization has no user ${printable(cuid)}`)
  answer(options, textOf(explanation), explanation)
}

function textOf({ cuid, ltv, purchases, fields, workspaces }: UserExplanation): string {
  return [
    `${printable(cuid)}: LTV ${ltv}, purchases: ${purchases}`,
    ...Object.entries(fields).flatMap(([name, field]) => fieldLines(name, field)),
    ...workspaces.flatMap(workspaceLines),
  ].join('\n')
}

function fieldLines(name: string, field: FieldExplanation): string[] {
  const value = field.value === null ? 'not known' : `${show(field.value)}, from ${provenance(field)}`
  return [
    `${name}: ${value}`,
    ...field.lost.map((lost) => {
      // what was taken back has no value any more
      const said = lost.value === null ? '' : `${show(lost.value)} from `
      return `  ${said}${provenance(lost)}: ${lost.why}`
    }),
  ]
}

function provenance({ source, origin, author, eventTimestamp }: Omit<FieldExplanation, 'value' | 'lost'>): string {
  const more = [origin, author === null ? null : `by ${author}`, eventTimestamp === null ? null : time(eventTimestamp)]
  const known = more.filter((part) => part !== null).map(printable)
  return known.length === 0 ? `${source}` : `${source} (${known.join(', ')})`
}

function workspaceLines(workspace: WorkspaceExplanation): string[] {
  const { name, id, vip, vipIndicator, vipIndicatorInProcess, failure, facts, properties, dueTimestamp } = workspace
  const read = [
    ...Object.entries(facts).map(([fact, value]) => [
      fact,
      fact.endsWith('Timestamp') ? shownTime(value) : show(value),
    ]),
    ...Object.entries(properties).map(([key, value]) => [
      `property ${show(key)}`,
      value === null ? 'missing' : show(value),
    ]),
  ]
  // a rule that fails for want of a value has said so
  const reads = read.map(([what, value]) => `${what} is ${value}`)
  const failed = failure === null ? '' : printable(failure)
  const reason = vipIndicator === null ? 'the workspace has no rule' : `by ${printable(vipIndicator)}`
  return [
    `${printable(name)} (${id}): ${vip ? 'VIP' : 'not VIP'}, ${reason}`,
    ...(failure === null ? [] : [`  the rule fails: ${failed}`]),
    ...reads.filter((line) => !failed.endsWith(line)).map((line) => `  ${line}`),
    ...(dueTimestamp === null ? [] : [`  time may change it at ${time(dueTimestamp)}`]),
    ...(vipIndicatorInProcess ? ['  everybody is being judged anew by another rule'] : []),
    ...(vip && workspace.channels.length === 0 ? ['  no conversation on a connected channel: listed nowhere'] : []),
    ...workspace.channels.map(
      (channel) =>
        `  ${channel.mediumId}: rank ${channel.rank} of ${channel.total}, conversation ${printable(channel.conversationId)}`,
    ),
  ]
}

function show(value: unknown): string {
  return printable(JSON.stringify(value))
}

function shownTime(value: number | null): string {
  return value === null ? 'not known' : time(value)
}

function time(timestamp: number): string {
  return new Date(timestamp).toISOString()
}
