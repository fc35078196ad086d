import type { Config } from '../../crds/config.ts'
import { asApplied } from '../observe/applied.ts'
import type { Memory } from '../observe/memory.ts'
import type { Child } from '../observe/protocol.ts'
import type { WantedClaim } from '../storage/driver.ts'
import { awaitedChild } from './awaited.ts'
import type { ClaimFate, StageFate } from './fate.ts'
import type { Facts } from './read.ts'

/**
 * Claims that are no longer requested are retained: a changed source must not delete the data. Only a
 * claim whose result has been copied elsewhere is `released`. A missing claim is created,
 * unless its driver reports it as lost.
 */
export function claimFates(
  facts: Facts,
  requested: readonly WantedClaim[],
  released: string | undefined,
): readonly ClaimFate[] {
  const { observed } = facts
  const isRequested = (name: string) => requested.some(({ claim }) => claim.metadata.name === name)
  return [
    ...requested.map(({ claim, lost }): ClaimFate => {
      if (observed.child(claim.kind, claim.metadata.name)) return { is: 'wanted', child: claim }
      return lost ? { is: 'gone', verdict: lost } : absent(facts, claim)
    }),
    ...observed.claims
      .filter(({ metadata: { name } }) => !isRequested(name) && name !== released)
      .map((claim): ClaimFate => ({ is: 'retained', child: asApplied(claim) })),
  ]
}

/** A child that does not exist yet. If no conditions are recorded, no earlier answer requested it. */
export const absent = (facts: Facts, child: Child): ClaimFate =>
  facts.memory.conditions.length
    ? { is: 'missing', child, verdict: awaitedChild(facts, child) }
    : { is: 'wanted', child, isNew: true }

/** Whether a recorded result is in storage. */
export const isStored = (fates: readonly StageFate[]): boolean =>
  fates.some((fate) => fate.does === 'work' && Boolean(fate.stage.folder) && hasResult(fate))

/** Whether a result is in another storage than the configuration names, so that it needs no claim of this one. */
export const isElsewhere = (fates: readonly StageFate[], { storage }: Config): boolean =>
  fates.some(
    (fate) =>
      fate.does === 'work' &&
      Boolean(fate.stage.folder) &&
      (fate.is === 'lost' ||
        (fate.is === 'done' && (fate.record.storage ?? storage.driver) !== storage.driver)),
  )

/**
 * Whether the status in the request records everything in storage as sealed. A record that is only in this
 * response does not count: it can be lost. What another spec has written waits there to be sealed, too.
 */
export const isSealed = (fates: readonly StageFate[], { records }: Memory): boolean =>
  isStored(fates) &&
  !records.written &&
  fates.every(
    (fate) =>
      fate.does !== 'work' ||
      !fate.stage.folder ||
      (fate.is === 'done' &&
        fate.key !== 'written' &&
        records[fate.key]?.attempt === fate.record.attempt),
  )

/** The attempts whose results the status records in a claim. Up to 0.1.0, no record named its storage. */
export const attemptsInClaim = ({ records, complete, former }: Memory): readonly string[] => [
  ...new Set(
    [records, complete ?? {}, ...former.map(({ stages }) => stages)]
      .flatMap(({ load, run, written }) => [load, run, written])
      .flatMap((record) => ((record?.storage ?? 'pvc') === 'pvc' ? (record?.attempt ?? []) : [])),
  ),
]

const hasResult = ({ is }: StageFate): boolean => is === 'done' || is === 'lost'
