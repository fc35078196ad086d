import { workspaceName } from '../../crds/names.ts'
import type { Job } from '../children/manifesttypes.ts'
import type { Records } from '../observe/memory.ts'
import type { Behaviour } from './behaviour.ts'
import { deviceFates } from './devices.ts'
import type { Decision, Progress, StageFate, WorkFate } from './fate.ts'
import { workFate } from './jobs.ts'
import type { Facts } from './read.ts'
import { readyOf } from './ready.ts'
import { rerunInForce } from './rerun.ts'
import { serveFate } from './servers.ts'
import type { Stage } from './stage.ts'
import { attemptsInClaim, claimFates, isElsewhere, isSealed, isStored } from './volumeclaims.ts'

/** Decides about the stages in order, then the claims, then the device templates that Pods name. */
export function decide<S, T>(behaviour: Behaviour<S, T>, facts: Facts<S>): Decision {
  const stages = behaviour.stages(facts)
  const start: Progress = {
    rerun: rerunInForce(facts, stages),
    records: facts.memory.records,
    fates: [],
    blockedBy: undefined,
  }
  const progress = stages.reduce(
    (before, stage) => advance(before, fateOf(facts, stage, before)),
    start,
  )
  const { fates, records, blockedBy } = progress
  const result = {
    isStored: isStored(fates),
    isElsewhere: isElsewhere(fates, facts.config),
    isSealed: isSealed(fates, facts.memory),
    inClaim: attemptsInClaim(facts.memory),
  }
  const released = result.isSealed ? workspaceName(facts.parent) : undefined
  const claims = claimFates(facts, behaviour.claims(facts, result), released)
  const devices = deviceFates(facts, fates)
  const kept = released ? fates.map((fate) => without(fate, released)) : fates
  const decided = { claims, devices, stages: kept, records, blockedBy }
  return { ...decided, ready: readyOf(behaviour, facts, decided) }
}

/** Kubernetes deletes a claim only once no Pod names it, not even one that has ended, so their Jobs go with it. */
const without = (fate: StageFate, claim: string): StageFate => ({
  ...fate,
  children: fate.children.filter(
    (child) => child.kind !== 'Job' || !namesClaim(child as Job, claim),
  ),
})

const namesClaim = ({ spec }: Job, claim: string): boolean =>
  (spec?.template?.spec?.volumes ?? []).some(
    ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claim,
  )

type Done = Extract<WorkFate, { is: 'done' }>

const fateOf = (facts: Facts, stage: Stage, progress: Progress): StageFate =>
  stage.does === 'serve' ? serveFate(facts, stage, progress) : workFate(facts, stage, progress)

/** Once a result is sealed, its record under `written` is removed. */
function recorded(records: Records, { key, record }: Done): Records {
  const { written, ...others } = records
  const isSealed = written === undefined || (key !== 'written' && written.job === record.job)
  return { ...(isSealed ? others : records), [key]: record }
}

/** Later stages see the result of this one; the first that is not done blocks them. */
function advance(progress: Progress, fate: StageFate): Progress {
  const { records, blockedBy, fates } = progress
  const isPassed = fate.does === 'serve' || fate.is === 'skipped' || fate.is === 'done'
  return {
    ...progress,
    fates: [...fates, fate],
    records: fate.is === 'done' ? recorded(records, fate) : records,
    blockedBy: blockedBy ?? (isPassed ? undefined : fate),
  }
}
