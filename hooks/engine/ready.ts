import { faultIn, lastApplied } from '../observe/applied.ts'
import { isAsleep, no, type Verdict, yes } from '../observe/verdict.ts'
import type { Behaviour } from './behaviour.ts'
import { childrenOf, type Decision } from './fate.ts'
import type { Facts } from './read.ts'

type Decided = Omit<Decision, 'ready'>

/**
 * The verdict for Ready. What is suspended or idle is as its spec asks, so Ready is True: otherwise tools
 * would wait for it for ever. The conditions of its stages stay False.
 */
export function readyOf<S, T>(
  behaviour: Behaviour<S, T>,
  facts: Facts<S>,
  decided: Decided,
): Verdict {
  const verdict = first(behaviour, facts, decided)
  return isAsleep(verdict) ? { ...verdict, status: 'True' } : verdict
}

/** The first obstacle, or what was achieved. */
const first = <S, T>(behaviour: Behaviour<S, T>, facts: Facts<S>, decided: Decided): Verdict =>
  blockedChild(facts, decided) ??
  goneClaim(decided) ??
  missingClaim(decided) ??
  decided.blockedBy?.verdict ??
  servedBy(decided) ??
  unlessStale(behaviour.done(facts, decided.records), decided)

/** Other conditions would describe the child as requested, not as it is. */
function blockedChild({ observed }: Facts, decided: Decided): Verdict | undefined {
  const blocked = childrenOf(decided)
    .map(({ kind, metadata }) => observed.child(kind, metadata.name))
    .find((child) => child && faultIn(child))
  if (!blocked) return undefined
  const { kind, metadata } = blocked
  return no(
    'ApplyBlocked',
    `${kind} "${metadata.name}" cannot be changed because its annotation ${lastApplied} ${faultIn(blocked)}: kubectl annotate ${kind.toLowerCase()} ${metadata.name} ${lastApplied}- removes it`,
  )
}

const goneClaim = ({ claims }: Decided): Verdict | undefined =>
  claims.find((fate) => fate.is === 'gone')?.verdict

const missingClaim = ({ claims, devices }: Decided): Verdict | undefined =>
  [...claims, ...devices].find((fate) => fate.is === 'missing')?.verdict

const servedBy = ({ stages }: Decided): Verdict | undefined =>
  stages.find((fate) => fate.does === 'serve')?.ready

function unlessStale(verdict: Verdict, { stages }: Decided): Verdict {
  const stale = stages.flatMap((fate) => ('stale' in fate ? fate.stale : []))
  if (verdict.status !== 'True' || !stale.length) return verdict
  return yes(
    'Stale',
    `made from an older state of ${stale.join(' and ')}: a new value of the annotation substratus.ai/rerun uses the new one`,
  )
}
