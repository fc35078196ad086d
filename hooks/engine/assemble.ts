import type { Parent } from '../../crds/kind.ts'
import type { Claim } from '../children/manifesttypes.ts'
import { condition, readyConditions } from '../observe/conditions.ts'
import { isNews, type Memory } from '../observe/memory.ts'
import type { SyncResponse } from '../observe/protocol.ts'
import { progressAtEnd } from '../progress/progress.ts'
import { awaitedSince } from './awaited.ts'
import type { Behaviour } from './behaviour.ts'
import { childrenOf, type Decision, type StageFate, type WorkFate } from './fate.ts'
import { formerAfter } from './former.ts'
import type { Facts } from './read.ts'
import { resyncAfter } from './resync.ts'
import { isWorkload } from './retained.ts'

/** What was decided, as Metacontroller expects it. Nothing is decided here. */
export function assemble<S, T>(
  behaviour: Behaviour<S, T>,
  facts: Facts<S>,
  decision: Decision,
): SyncResponse {
  const { parent, memory, bases, now } = facts
  // While a child was awaited, nothing was known about Pods.
  const isDeaf = facts.observed.podsSilentSince !== undefined && !memory.awaited.length
  const seen = { parent, before: memory.conditions, isDeaf, now }
  const { records, blockedBy, ready } = decision
  const progress = progressIn(facts, blockedBy)
  const children = childrenOf(decision)
  const awaited = awaitedIn(decision)
  const former = formerAfter(facts, records, !blockedBy)
  const remembered = {
    ...carried(parent, memory),
    ...behaviour.status(facts, records, !blockedBy, {
      workload: children.find(isWorkload),
      isPresent: decision.stages.some(({ does, is }) => does === 'serve' && is === 'wanted'),
    }),
    ...(isFilled(records) && { stages: records }),
    ...(blockedBy && memory.artifacts && { lastComplete: memory.complete }),
    ...(former.length && { former }),
    ...(bases?.length && { bases }),
    ...(blockedBy?.disruptions && { disruptions: blockedBy.disruptions }),
    ...(blockedBy?.finishing && { finishing: blockedBy.finishing }),
    ...(awaited.length && { awaited, ...awaitedSince(facts, awaited) }),
    ...(progress && { progress }),
  }
  const isUnbound = Boolean(ready.awaitsClaims) && facts.observed.claims.some(isPending)
  const resync = resyncAfter(decision, memory, {
    isNews: isNews(remembered, parent),
    isUnbound,
    now,
  })
  return {
    status: {
      ...remembered,
      ready: ready.status === 'True',
      conditions: [
        ...readyConditions(seen, ready),
        ...speaking(decision.stages).map(({ stage, verdict }) =>
          condition(seen, stage.condition, verdict),
        ),
      ],
    },
    children,
    ...(resync > 0 && { resyncAfterSeconds: resync }),
  }
}

/** What works tells how far it has come; everything else ends what was told. */
function progressIn({ memory, reports, now }: Facts, current: WorkFate | undefined) {
  if (current?.is === 'working') return current.progress
  return progressAtEnd(memory.progress, reports, now)
}

/** If two stages share a condition, the later one sets it once it has something to do. */
const speaking = (fates: readonly StageFate[]): readonly StageFate[] =>
  fates.filter((fate, at) => {
    const isSame = (other: StageFate) => other.stage.condition === fate.stage.condition
    return (
      !fates.slice(at + 1).some((later) => isSame(later) && hasBegun(later)) &&
      (hasBegun(fate) || !fates.slice(0, at).some(isSame))
    )
  })

const hasBegun = ({ is }: StageFate): boolean => is !== 'skipped' && is !== 'behind'

const isPending = ({ status }: Claim): boolean => status?.phase === 'Pending'

const isFilled = (map: object): boolean => Object.keys(map).length > 0

/** Metacontroller replaces the whole status, so every answer contains what later answers need. */
function carried(parent: Parent, { artifacts, image, url }: Memory): Record<string, unknown> {
  const { source } = parent.spec as { readonly source?: string }
  return {
    ...(artifacts && { artifacts }),
    // A source has no image: a recorded one belongs to an earlier spec.
    ...(image && !source && { image }),
    ...(url && { url }),
  }
}

/** The children that the conditions report as missing. */
const awaitedIn = ({ ready, stages }: Decision): readonly string[] => [
  ...new Set([ready, ...stages.map(({ verdict }) => verdict)].flatMap(({ awaits = [] }) => awaits)),
]
