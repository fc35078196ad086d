import { asApplied } from '../observe/applied.ts'
import type { Memory } from '../observe/memory.ts'
import type { Child } from '../observe/protocol.ts'
import type { WantedClaim } from '../storage/driver.ts'
import { awaitedChild } from './awaited.ts'
import type { ClaimFate, StageFate } from './fate.ts'
import type { Facts } from './read.ts'

/**
 * Claims that are no longer requested are retained: a changed source must not delete the data. A missing
 * claim is created, unless its driver reports it as lost.
 */
export function claimFates(
  { observed, memory }: Facts,
  requested: readonly WantedClaim[],
): readonly ClaimFate[] {
  const isRequested = (name: string) => requested.some(({ claim }) => claim.metadata.name === name)
  return [
    ...requested.map(({ claim, lost }): ClaimFate => {
      if (observed.child(claim.kind, claim.metadata.name)) return { is: 'wanted', child: claim }
      return lost ? { is: 'gone', verdict: lost } : absent(memory, claim)
    }),
    ...observed.claims
      .filter(({ metadata }) => !isRequested(metadata.name))
      .map((claim): ClaimFate => ({ is: 'retained', child: asApplied(claim) })),
  ]
}

/** A child that does not exist yet. If no conditions are recorded, no earlier answer requested it. */
export const absent = (memory: Memory, child: Child): ClaimFate =>
  memory.conditions.length
    ? { is: 'missing', child, verdict: awaitedChild(memory, child) }
    : { is: 'wanted', child }

/** Whether a recorded result is in storage. */
export const isStored = (fates: readonly StageFate[]): boolean =>
  fates.some((fate) => fate.does === 'work' && Boolean(fate.stage.folder) && hasResult(fate))

const hasResult = ({ is }: StageFate): boolean => is === 'done' || is === 'lost'
