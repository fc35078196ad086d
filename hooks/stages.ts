import type { RunPolicy } from '../crds/common.ts'
import type { Parent } from '../crds/kind.ts'
import type { Condition, ConditionType, Reason, StageRecord } from '../crds/status.ts'
import { job } from './children/job.ts'
import { condition, no, type Verdict, yes } from './conditions.ts'
import { conditionOf, jobFailure, jobProgress, type Report, reportOf } from './diagnosis.ts'
import { type Hashes, jobAnnotations, jobName, rerunOf } from './names.ts'
import { jsonIn, kept, type Observed } from './observed.ts'
import type { Child } from './protocol.ts'
import { type Reference, upstreamOf } from './references.ts'

/**
 * A parent is a list of stages, walked in order: the first that is not done speaks for Ready.
 * A stage works (a Job, done once and remembered in status) or serves (children that stay).
 */
export type Stage = Works | Serves

export type Records = Readonly<Record<string, StageRecord>>

export interface Works {
  readonly does: 'work'
  readonly name: 'build' | 'load' | 'run' | 'package'
  readonly condition: ConditionType
  /** The reason while its Pod runs. */
  readonly active: Reason
  /** What most likely keeps the Job from getting a Pod. */
  readonly suspicion?: string
  /** Why there is nothing to do, if so; `records` holds the stages before. */
  readonly skip: (records: Records) => Verdict | undefined
  readonly needs: readonly Reference[]
  readonly hashes: (rerun: string | undefined) => Hashes
  readonly policy: Pick<RunPolicy, 'activeDeadlineSeconds'> & { readonly backoffLimit: number }
  /** Whether spec.runPolicy speaks of this stage; of the others the administrator does. */
  readonly isUsers?: true
  /** The Pod of an attempt; `records` holds the stages before. */
  readonly template: (
    hashes: Hashes,
    records: Records,
  ) => { readonly metadata: Record<string, unknown>; readonly spec: Record<string, unknown> }
  /** What to remember of a success beside the hashes. */
  readonly result: (report: Report, attempt: string, records: Records) => Partial<StageRecord>
}

export interface Serves {
  readonly does: 'serve'
  readonly needs: readonly Reference[]
  /** Why it cannot be served as it is asked for, if so. */
  readonly refuse: Verdict | undefined
  /** The Deployment or StatefulSet that is there, whether it is as asked for or not. */
  readonly workload: Child | undefined
  /** How many Pods are wanted of it as it is, also while something is awaited; undefined: as many as before. */
  readonly replicas: number | undefined
  /** The Deployment or StatefulSet as it is asked for. */
  readonly wanted: (records: Records) => Child
  /** What stands beside it, and depends on nothing that may be awaited: Service, NetworkPolicy. */
  readonly beside: readonly Child[]
  /** `emitted` is the workload of this very answer, where there is one. */
  readonly verdict: (emitted: Child | undefined) => Verdict
}

/** The parts of a status that the walk reads. */
interface Remembered {
  readonly stages?: Records
  readonly lastComplete?: Records
  readonly finishing?: string
  readonly conditions?: readonly Condition[]
}

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

const isSuspended = (parent: Parent): boolean =>
  (parent.spec as { suspend?: boolean } | undefined)?.suspend === true

/** Of any spec, an invalid one too. */
const policyOf = (parent: Parent): RunPolicy => {
  const { runPolicy } = (parent.spec ?? {}) as { readonly runPolicy?: unknown }
  return typeof runPolicy === 'object' && runPolicy !== null ? runPolicy : {}
}

const remembered = (parent: Parent): Remembered => (parent.status ?? {}) as Remembered

/**
 * The rerun that is in force: the annotation, or, once that was removed, what the first recorded
 * stage answered, so that a half-finished rerun is finished and a finished one not repeated. Before
 * any record, it is what the Job under way answers, which would otherwise be begun anew.
 */
function rerunInForce(
  parent: Parent,
  stages: readonly Stage[],
  observed: Observed,
): string | undefined {
  const records = remembered(parent).stages ?? {}
  const working = stages.filter(
    (stage): stage is Works => stage.does === 'work' && !stage.skip(records),
  )
  const recorded = working.find(({ name }) => records[name])
  return (
    rerunOf(parent) ?? (recorded ? records[recorded.name]?.rerun : underWay(working[0], observed))
  )
}

const underWay = (stage: Works | undefined, observed: Observed): string | undefined =>
  stage &&
  observed
    .jobs(stage.name)
    .filter((child) => !isFailed(child))
    .map(identityOf)
    .find(({ inputs }) => inputs === stage.hashes(undefined).inputs)?.rerun

const answers = (
  found: { readonly inputs?: string; readonly rerun?: string },
  inputs: string,
  rerun: string | undefined,
): boolean => found.inputs === inputs && (rerun === undefined || found.rerun === rerun)

const annotation = (child: Child, name: string): string | undefined =>
  child.metadata.annotations?.[name]

const identityOf = (child: Child) => ({
  inputs: annotation(child, jobAnnotations.inputs),
  rerun: annotation(child, jobAnnotations.rerun),
})

export const isComplete = (child: Child): boolean => Boolean(conditionOf(child, 'Complete'))
const isFailed = (child: Child): boolean => Boolean(conditionOf(child, 'Failed'))

const recordOf = (done: Child, stage: Works, report: Report, records: Records): StageRecord => {
  const attempt = annotation(done, jobAnnotations.attempt) ?? ''
  const { rerun, inputs = '' } = identityOf(done)
  const upstream = jsonIn(done, jobAnnotations.upstream) as StageRecord['upstream']
  return {
    job: done.metadata.name,
    inputs,
    attempt,
    ...(rerun && { rerun }),
    ...(upstream && { upstream }),
    ...stage.result(report, attempt, records),
  }
}

/** What a stage has come to, in this very request. */
type Outcome =
  | { readonly state: 'skipped'; readonly verdict: Verdict }
  | { readonly state: 'done'; readonly record: StageRecord }
  | { readonly state: 'finishing'; readonly job: string }
  | { readonly state: 'open'; readonly verdict: Verdict; readonly create?: Child }
  | { readonly state: 'replaced'; readonly verdict: Verdict }

function outcomeOf(
  stage: Works,
  parent: Parent,
  observed: Observed,
  records: Records,
  rerun: string | undefined,
): Outcome {
  const skip = stage.skip(records)
  if (skip) return { state: 'skipped', verdict: skip }
  const hashes = stage.hashes(rerun)
  const record = [records[stage.name], remembered(parent).lastComplete?.[stage.name]].find(
    (found) => found && answers(found, hashes.inputs, rerun),
  )
  if (record) return { state: 'done', record }

  const jobs = observed.jobs(stage.name)
  const pods = observed.pods(stage.name)
  const done = jobs.find(
    (child) => isComplete(child) && answers(identityOf(child), hashes.inputs, rerun),
  )
  if (done) {
    const report = reportOf(done, pods)
    // The Pod may be seen later than its Job: look once more, then do without the report.
    if (!report && remembered(parent).finishing !== done.metadata.name)
      return { state: 'finishing', job: done.metadata.name }
    return { state: 'done', record: recordOf(done, stage, report ?? {}, records) }
  }

  const name = jobName(parent, stage.name, hashes.attempt)
  const current = observed.child('Job', name)
  if (current && hadTooLittleTime(current, stage))
    return {
      state: 'replaced',
      verdict: no('Pending', `removing Job "${name}", which now has more time, to create it anew`),
    }
  if (current) {
    if (isFailed(current)) return { state: 'open', verdict: jobFailure(current, pods) }
    if (isSuspended(parent))
      return { state: 'open', verdict: no('Suspended', `Job "${name}" is suspended`) }
    return { state: 'open', verdict: jobProgress(current, pods, stage.active, stage.suspicion) }
  }
  const waiting = stage.needs.find(({ state }) => state === 'waiting')
  if (waiting?.state === 'waiting') return { state: 'open', verdict: waiting.verdict }
  if (isSuspended(parent))
    return { state: 'open', verdict: no('Suspended', 'spec.suspend is true') }
  const create = job(
    parent,
    { stage: stage.name, ...hashes, rerun, upstream: upstreamOf(stage.needs) },
    stage.policy,
    stage.template(hashes, records),
  )
  return { state: 'open', verdict: missing(parent, stage.condition, 'Job', name), create }
}

/** A child that was asked for before and is not there may never come: somebody else may own its name. */
export function missing(parent: Parent, type: ConditionType, kind: string, name: string): Verdict {
  const creating = `creating ${kind} "${name}"`
  const before = remembered(parent).conditions?.find((found) => found.type === type)
  if (before?.message !== creating && before?.reason !== 'ChildMissing')
    return no('Pending', creating)
  return no(
    'ChildMissing',
    `${kind} "${name}" is wanted and does not exist: does another object own the name?`,
  )
}

/** Whether a Job ran out of a time that the user has prolonged since. */
function hadTooLittleTime(child: Child, { policy: { activeDeadlineSeconds } }: Works): boolean {
  const had: number | undefined = child.spec?.activeDeadlineSeconds
  return (
    conditionOf(child, 'Failed')?.reason === 'DeadlineExceeded' &&
    had !== undefined &&
    (activeDeadlineSeconds === undefined || activeDeadlineSeconds > had)
  )
}

/**
 * An existing Job with its mutable fields as they should be now. `policy` is the user's own, where the
 * Job is the one that the spec asks for.
 */
export function keptJob(child: Child, parent: Parent, policy?: RunPolicy): Child {
  const held = Object.values(remembered(parent).stages ?? {}).some(
    (record) => record.job === child.metadata.name,
  )
  const finished = isComplete(child) || isFailed(child)
  const ttl = policyOf(parent).ttlSecondsAfterFinished
  return kept(child, {
    ...(!finished && { suspend: isSuspended(parent) ? true : undefined }),
    ...(!finished && policy && { activeDeadlineSeconds: policy.activeDeadlineSeconds }),
    ...(!finished && policy?.backoffLimit !== undefined && { backoffLimit: policy.backoffLimit }),
    ttlSecondsAfterFinished: held && Number.isInteger(ttl) ? ttl : undefined,
  })
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
        ? keptServing(parent, observed, stage)
        : [stage.wanted(records), ...stage.beside]
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
        blocked = outcome.verdict
        say(stage.condition, blocked)
        break
      }
      case 'replaced':
        blocked = outcome.verdict
        say(stage.condition, blocked)
        break
    }
    if (blocked) after = stage.condition
  }
  return { children, conditions, records, done, blocked, served, finishing, stale }
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

/** Why a server cannot be as it is asked for. */
function hindranceOf(stage: Serves): Verdict | undefined {
  const waiting = stage.needs.find(({ state }) => state === 'waiting')
  return waiting?.state === 'waiting' ? waiting.verdict : stage.refuse
}

const isWorkload = ({ kind }: Child): boolean => ['Deployment', 'StatefulSet'].includes(kind)

const saidOf = (stage: Serves, emitted: readonly Child[]): Verdict =>
  stage.verdict(emitted.find(isWorkload))

const isStopped = ({ reason }: Verdict): boolean => reason === 'Suspended' || reason === 'Idle'

/** What served before the hindrance serves on, and Serving says so; Ready says what hinders. */
function asBefore(stage: Serves, emitted: readonly Child[]): Verdict | undefined {
  const now = stage.workload && saidOf(stage, emitted)
  return now && (now.status === 'True' || isStopped(now)) ? now : undefined
}

/** Whether a child is part of what answers requests; the others are work, storage and claims. */
export const isServing = (kind: string): boolean =>
  !['Job', 'PersistentVolumeClaim', 'ResourceClaimTemplate'].includes(kind)

/**
 * What serves now stays as it is while something is awaited: nobody's requests fail for that. Only
 * the number of its Pods follows, and what is beside it is made again where it was deleted: a
 * notebook without its NetworkPolicy would be open to all.
 */
export function keptServing(parent: Parent, observed: Observed, stage?: Serves): readonly Child[] {
  const replicas = isSuspended(parent) ? 0 : stage?.replicas
  const before = observed.children
    .filter(({ kind }) => isServing(kind))
    .map((child) => kept(child, isWorkload(child) && replicas !== undefined ? { replicas } : {}))
  const lost = (stage?.workload ? stage.beside : []).filter(
    ({ kind, metadata }) => !observed.child(kind, metadata.name),
  )
  return [...before, ...lost]
}
