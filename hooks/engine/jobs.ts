import type { Parent } from '../../crds/kind.ts'
import { prune } from '../../crds/schema/prune.ts'
import { identity, type StageRecord } from '../../crds/status.ts'
import { job } from '../children/job.ts'
import { jobFailure, jobProgress, podsOf, type Report, reportOf } from '../observe/diagnosis.ts'
import {
  answers,
  hadTooLittleTime,
  type Identity,
  identityOf,
  isAtRest,
  isComplete,
  isFailed,
} from '../observe/jobstate.ts'
import { isSuspended, missing, type Records, remembered } from '../observe/memory.ts'
import { jsonIn, type Observed } from '../observe/observed.ts'
import type { Child } from '../observe/protocol.ts'
import { type Reference, upstreamOf } from '../observe/references.ts'
import { no, type Verdict } from '../observe/verdict.ts'
import { type Hashes, jobAnnotations, jobName, rerunOf } from './identity.ts'
import type { Stage, Works } from './stage.ts'

/**
 * The rerun that is in force: the annotation, or, once that was removed, what the first recorded
 * stage answered, so that a half-finished rerun is finished and a finished one not repeated. Before
 * any record, it is what the Job under way answers, which would otherwise be begun anew.
 */
export function rerunInForce(
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

function recordOf(
  done: Child,
  { inputs = '', attempt = '', rerun }: Identity,
  stage: Works,
  report: Report,
  records: Records,
): StageRecord {
  const upstream = recordedUpstream(done, stage.needs)
  return {
    job: done.metadata.name,
    inputs,
    attempt,
    ...(rerun && { rerun }),
    ...(Object.keys(upstream).length && { upstream }),
    ...stage.result(report, attempt, records),
  }
}

/** The identities of the stage's references when the Job was created, from its annotation. */
function recordedUpstream(done: Child, needs: readonly Reference[]): Record<string, string> {
  const noted = jsonIn(done, jobAnnotations.upstream)
  return Object.fromEntries(
    needs.flatMap((reference) => {
      const id = reference.state === 'none' ? undefined : noted?.[reference.field.field]
      return reference.state !== 'none' && isIdentity(id) ? [[reference.field.field, id]] : []
    }),
  )
}

const isIdentity = (value: unknown): value is string => prune(identity, value) !== undefined

/** What a stage has come to, in this very request. */
export type Outcome =
  | { readonly state: 'skipped'; readonly verdict: Verdict }
  | { readonly state: 'done'; readonly record: StageRecord }
  | { readonly state: 'lost'; readonly verdict: Verdict }
  | { readonly state: 'finishing'; readonly job: string }
  | {
      readonly state: 'open'
      readonly verdict: Verdict
      readonly create?: Child
      /** The complete Job whose report was looked for, and is not readable. */
      readonly unread?: string
    }
  | { readonly state: 'replaced'; readonly verdict: Verdict; readonly unread?: string }

export function outcomeOf(
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
  const lost = record && stage.lost?.(record)
  if (lost) return { state: 'lost', verdict: lost }
  if (record) return { state: 'done', record }

  const pods = observed.pods(stage.name)
  const name = jobName(parent, stage.name, hashes.attempt)
  const current = observed.child('Job', name)
  const success = successOf(stage, current, observed, { ...hashes, rerun })
  if (success) return reported(success, stage, parent, observed, records)

  if (current && hadTooLittleTime(current, stage.policy))
    return {
      state: 'replaced',
      verdict: no('Pending', `removing Job "${name}", which now has more time, to create it anew`),
    }
  if (current) {
    if (isFailed(current)) return { state: 'open', verdict: jobFailure(current, pods) }
    if (isSuspended(parent)) return { state: 'open', verdict: suspension(current) }
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

/** A complete Job, and the hashes that it was created for. */
interface Success {
  readonly job: Child
  readonly identity: Identity
}

/** The Job of this attempt, which its name proves, or another complete Job with the same inputs. */
function successOf(
  stage: Works,
  current: Child | undefined,
  observed: Observed,
  asked: Hashes & { readonly rerun: string | undefined },
): Success | undefined {
  const { inputs, attempt, rerun } = asked
  if (current && isComplete(current))
    return { job: current, identity: { inputs, attempt, ...(rerun && { rerun }) } }
  return observed
    .jobs(stage.name)
    .filter(isComplete)
    .map((job) => ({ job, identity: identityOf(job) }))
    .find(({ identity }) => answers(identity, inputs, rerun))
}

/**
 * What a complete Job reported. Its Pod may be observed later than the Job, so it is looked for once
 * more. A load or a run is complete without the report. An image is identified only by its digest,
 * because anyone with the same push credentials can move its tag: if the digest is lost, it is built
 * again.
 */
function reported(
  { job: done, identity }: Success,
  stage: Works,
  parent: Parent,
  observed: Observed,
  records: Records,
): Outcome {
  const { name } = done.metadata
  const pods = observed.pods(stage.name)
  const report = reportOf(done, pods)
  if (report || (!stage.needsDigest && remembered(parent).finishing === name))
    return { state: 'done', record: recordOf(done, identity, stage, report ?? {}, records) }
  if (remembered(parent).finishing !== name || !observed.knowsPods)
    return { state: 'finishing', job: name }
  const own = podsOf(done, pods)
  if (own.some(({ status }) => !['Succeeded', 'Failed'].includes(status?.phase)))
    return { state: 'finishing', job: name }
  if (own.length)
    return {
      state: 'open',
      unread: name,
      verdict: no(
        'Failed',
        `Job "${name}" is complete but reported no digest: is images.builder from another release? kubectl delete job ${name} builds again`,
      ),
    }
  return {
    state: 'replaced',
    unread: name,
    verdict: no(
      'Pending',
      `removing Job "${name}", whose digest was lost with its Pod, to build again`,
    ),
  }
}

/** A Job is suspended once the Job controller reports it: until then its Pod may still run. */
const suspension = (job: Child): Verdict =>
  isAtRest(job)
    ? no('Suspended', `Job "${job.metadata.name}" is suspended`)
    : no('Suspending', `Job "${job.metadata.name}" is being suspended`)
