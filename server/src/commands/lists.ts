import { counted } from '../counted.ts'
import type { Store } from '../database/store.ts'
import { makeLists } from '../vip-users/make-lists.ts'
import type { Verdicts } from '../vip-users/refresh.ts'
import { compileVipIndicator, type UserFacts } from '../workspaces/vip-indicator.ts'
import { CommandError } from './command-error.ts'
import { countUsers } from './find.ts'
import { say } from './output.ts'
import { showProgress } from './progress.ts'

/** How a rule fared, as `--json` prints it. */
export interface Evaluation {
  true: number
  false: number
  failed: number
  example: string | null
}

/**
 * Refuses a rule that does not compile, and warns of a name that is a fact's but for its case: where there are no users yet
 * nothing else would tell.
 *
 * @throws CommandError with line and column
 */
export function checkVipIndicator(vipIndicator: string): void {
  for (const key of compile(vipIndicator)) {
    const fact = factLike(key)
    if (fact !== undefined) say(`Warning: ${key} is a property of yours; did you mean ${fact}?`)
  }
}

/** @returns the properties that a condition reads; none where the rule is itself the key of one */
function compile(vipIndicator: string): readonly string[] {
  try {
    const { kind, propertyKeys } = compileVipIndicator(vipIndicator)
    return kind === 'condition' ? propertyKeys : []
  } catch (error) {
    throw new CommandError(`The VIP indicator is refused: ${error instanceof Error ? error.message : error}`)
  }
}

/** Makes the lists that a workspace is building, here and now, and shows how far that is. */
export async function makeListsInForeground(
  store: Store,
  workspace: { orgId: number; workspaceKey: number },
): Promise<Evaluation> {
  const progress = showProgress('Judging users', await countUsers(store, workspace.orgId))
  const verdicts = await makeLists(store, workspace, {
    onProgress: (users) => progress.update(users, `${users} users`),
    considerate: true,
  })
  progress.stop()
  if (verdicts) warnWhereMostFailed(verdicts)
  return {
    true: verdicts?.vip ?? 0,
    false: verdicts?.notVip ?? 0,
    failed: verdicts?.failed ?? 0,
    example: verdicts?.firstFailure ?? null,
  }
}

export function sentenceOf({ true: vip, false: notVip, failed, example }: Evaluation): string {
  return `${counted(vip, 'user')} evaluated true, ${notVip} false, ${failed} failed${example === null ? '' : `, for example: ${example}`}`
}

const FACTS: readonly (keyof UserFacts)[] = ['ltv', 'purchases', 'lastPurchaseTimestamp', 'lastAppOpenTimestamp']

/** A rule that fails on most users is mostly a misspelt property: it is named. */
function warnWhereMostFailed({ vip, notVip, failed, failedProperties }: Verdicts): void {
  if (failed * 2 <= vip + notVip + failed) return
  const [name] = [...failedProperties].sort(([, one], [, other]) => other - one)[0] ?? []
  say(`Warning: the rule fails on more than half of the users${name === undefined ? '' : `, mostly on ${named(name)}`}`)
}

function named(property: string): string {
  const fact = factLike(property)
  return `"${property}"${fact === undefined ? '' : `: did you mean ${fact}?`}`
}

/** `LTV` is as good a property as any, but who writes it mostly means the fact. */
function factLike(property: string): keyof UserFacts | undefined {
  return FACTS.find((name) => name !== property && name.toLowerCase() === property.toLowerCase())
}
