import type { RunPolicy } from '../../crds/common.ts'
import type { Parent } from '../../crds/kind.ts'
import type { Condition, ConditionType, StageRecord } from '../../crds/status.ts'
import { answers, identityOf, isComplete, keptJob } from '../observe/jobstate.ts'
import { policyOf, type Records, remembered } from '../observe/memory.ts'
import type { Observed } from '../observe/observed.ts'
import type { Child } from '../observe/protocol.ts'
import type { Reference } from '../observe/references.ts'
import { condition, no, type Verdict, yes } from '../observe/verdict.ts'
import { jobName } from './identity.ts'
import { outcomeOf, rerunInForce } from './jobs.ts'
import {
  asBefore,
  hindranceOf,
  isStopped,
  keptServing,
  type Serves,
  saidOf,
  wantedOf,
} from './servers.ts'
import type { Stage, Works } from './stage.ts'

/** What all stages have come to: the first that is not done speaks for Ready. */
export interface Walk {
  readonly children: readonly Child[]
  readonly conditions: readonly Condition[]
  readonly records: Records
  /** The stages whose record answers the spec. */
  readonly done: readonly string[]
  /** The verdict of the first stage that is not done; undefined when all are. */
  readonly blocked: Verdict | undefined
  /** The verdict of the serving stage, of parents that have one. */
  readonly served: Verdict | undefined
  readonly finishing: string | undefined
  readonly stale: readonly string[]
}

export function walk(stages: readonly Stage[], parent: Parent, observed: Observed): Walk {
  const rerun = rerunInForce(parent, stages, observed)
  const children: Child[] = []
  const conditions: Condition[] = []
  const stale: string[] = []
  const done: string[] = []
  let records: Records = remembered(parent).stages ?? {}
  let blocked: Verdict | undefined
  let served: Verdict | undefined
  let finishing: string | undefined
  let after = ''

  const say = (type: ConditionType, verdict: Verdict) =>
    conditions.push(condition(parent, type, verdict))
  const keep = (child: Child | undefined, policy?: RunPolicy) => {
    if (child && !children.some(({ metadata }) => metadata.name === child.metadata.name))
      children.push(keptJob(child, parent, policy))
  }

  for (const stage of stages) {
    if (stage.does === 'serve') {
      const hindrance = blocked ?? hindranceOf(stage)
      const emitted = hindrance
        ? keptServing(parent, observed, stage.beside, stage)
        : wantedWithBeside(stage, records)
      const now = hindrance && asBefore(stage, emitted)
      served = hindrance ? (now && isStopped(now) ? now : hindrance) : saidOf(stage, emitted)
      children.push(...emitted)
      say('Serving', now ?? (blocked ? no('Waiting', `waits for ${after}`) : served))
      continue
    }
    // A recorded Job is listed while it is observed: its logs stay readable until its time is over.
    const recorded = records[stage.name]
    if (recorded) keep(observed.child('Job', recorded.job))
    if (blocked) {
      // Work that is under way for just these inputs goes on, though a stage before it is read again.
      for (const child of laterWork(stage, parent, observed, rerun)) keep(child)
      say(stage.condition, stage.skip(records) ?? no('Waiting', `waits for ${after}`))
      continue
    }
    const outcome = outcomeOf(stage, parent, observed, records, rerun)
    switch (outcome.state) {
      case 'skipped':
        say(stage.condition, outcome.verdict)
        break
      case 'done':
        records = { ...records, [stage.name]: outcome.record }
        done.push(stage.name)
        keep(observed.child('Job', outcome.record.job))
        stale.push(...changedUpstream(outcome.record, stage.needs))
        say(stage.condition, yes('Done', doneMessage(outcome.record)))
        break
      case 'lost':
        done.push(stage.name)
        blocked = outcome.verdict
        say(stage.condition, blocked)
        break
      case 'finishing':
        finishing = outcome.job
        keep(observed.child('Job', outcome.job))
        blocked = no('Finishing', `Job "${outcome.job}" is complete: reading its report`)
        say(stage.condition, blocked)
        break
      case 'open': {
        const name = jobName(parent, stage.name, stage.hashes(rerun).attempt)
        keep(observed.child('Job', name), stage.isUsers ? policyOf(parent) : undefined)
        if (outcome.create) children.push(outcome.create)
        finishing = outcome.unread
        blocked = outcome.verdict
        say(stage.condition, blocked)
        break
      }
      case 'replaced':
        finishing = outcome.unread
        blocked = outcome.verdict
        say(stage.condition, blocked)
        break
    }
    if (blocked) after = stage.condition
  }
  return { children, conditions, records, done, blocked, served, finishing, stale }
}

function wantedWithBeside(stage: Serves, records: Records): readonly Child[] {
  const workload = wantedOf(stage, records)
  return [workload, ...stage.beside(workload)]
}

/** Jobs of a stage that answer what is asked for now: the current attempt, and a success. */
function laterWork(
  stage: Works,
  parent: Parent,
  observed: Observed,
  rerun: string | undefined,
): readonly Child[] {
  const { inputs, attempt } = stage.hashes(rerun)
  const current = jobName(parent, stage.name, attempt)
  return observed
    .jobs(stage.name)
    .filter(
      (child) =>
        child.metadata.name === current ||
        (isComplete(child) && answers(identityOf(child), inputs, rerun)),
    )
}

const doneMessage = (record: StageRecord): string =>
  [record.image ?? record.digest ?? record.job, record.commit && `commit ${record.commit}`]
    .filter(Boolean)
    .join(', ')

/** References whose result is another than the one that was used. */
const changedUpstream = (record: StageRecord, needs: readonly Reference[]): readonly string[] =>
  needs.flatMap((reference) =>
    reference.state === 'ready' &&
    record.upstream?.[reference.field.field] !== undefined &&
    record.upstream[reference.field.field] !== reference.artifacts.id
      ? [`${reference.field.kind} "${reference.name}"`]
      : [],
  )
