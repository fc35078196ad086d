import { job } from '../children/job.ts'
import type { Job } from '../children/manifesttypes.ts'
import { queueOf } from '../children/metadata.ts'
import { isRetried, isUnseen, jobFailure, jobProgress, runningSince } from '../observe/diagnosis.ts'
import { hadTooLittleTime, isComplete, isFailed, isStopped } from '../observe/jobstate.ts'
import { isMadeFor } from '../observe/memory.ts'
import { queued } from '../observe/queue.ts'
import { unheard } from '../observe/silence.ts'
import { isSuspended } from '../observe/spec.ts'
import { final, no, type Verdict } from '../observe/verdict.ts'
import { progressAfter, silenceNote } from '../progress/progress.ts'
import { awaited, creating } from './awaited.ts'
import { suffixOf } from './buckets.ts'
import { disrupted, disruptionsIn, times } from './disruptions.ts'
import { lost, recorded } from './done.ts'
import type { Progress, WorkFate } from './fate.ts'
import { cleared } from './folder.ts'
import { currentJob, fated, type Look, lookAt, type Policy, wantedTemplate } from './look.ts'
import type { Facts } from './read.ts'
import { podHash, remade } from './remade.ts'
import { retainedJob } from './retained.ts'
import type { WorkStage } from './stage.ts'
import { sealFailed, succeeded } from './success.ts'
import { identitiesOf } from './upstream.ts'
import { isReleased, withdrawn } from './withdrawn.ts'

/** The first policy that applies decides; if none does, the Job is created. */
const policies: readonly Policy[] = [
  behind,
  skipped,
  lost,
  recorded,
  succeeded,
  sealFailed,
  outOfTime,
  remade,
  failed,
  withdrawn,
  suspended,
  disrupted,
  working,
  notStarted,
  waiting,
  cleared,
]

/** Decides about a stage that works. */
export function workFate(facts: Facts, stage: WorkStage, progress: Progress): WorkFate {
  const look = lookAt(facts, stage, progress)
  for (const policy of policies) {
    const fate = policy(look)
    if (fate) return fate
  }
  return create(look)
}

/** A running Job for the present inputs continues, even while an earlier stage's report is read again. */
function behind(look: Look): WorkFate | undefined {
  const { facts, stage, records, blockedBy } = look
  if (!blockedBy) return undefined
  return fated(
    look,
    { is: 'behind' },
    stage.skip(records) ?? no('Waiting', `waits for ${blockedBy.stage.condition}`),
    isOutdatedSeal(look)
      ? []
      : look.buckets.useful
          .filter((one) => !isReleased(one, facts.parent, facts.observed))
          .map((one) => retainedJob(one, facts)),
  )
}

/**
 * Whether the program runs again, because its Job was deleted before it was recorded. What an earlier Job has
 * sealed is then overwritten, and must be sealed again.
 */
function isOutdatedSeal({ facts: { observed }, stage, records, rerun }: Look): boolean {
  if (stage.name !== 'seal' || records.written) return false
  const { inputs } = stage.hashes(rerun)
  return ![...observed.jobs('run'), ...observed.jobs('load')].some(
    (job) => isComplete(job) && isMadeFor(job, inputs, rerun),
  )
}

function skipped(look: Look): WorkFate | undefined {
  const verdict = look.stage.skip(look.records)
  return verdict && fated(look, { is: 'skipped' }, verdict)
}

/** A failed Job stays failed even if its deadline is extended, so another one replaces it. */
function outOfTime(look: Look): WorkFate | undefined {
  const { current, name } = look.buckets
  if (!current || !hadTooLittleTime(current, look.stage.policy)) return undefined
  const message = `removing Job "${name}", which now has more time, to create it anew`
  return fated(look, { is: 'replaced' }, no('Pending', message))
}

function failed(look: Look): WorkFate | undefined {
  const { current } = look.buckets
  if (!current || !isFailed(current)) return undefined
  const pods = look.facts.observed.pods(look.stage.name)
  const failure = jobFailure(current, pods)
  const remedy = look.stage.remedy?.(failure.message)
  const verdict = remedy ? { ...failure, message: `${failure.message}; ${remedy}` } : failure
  return fated(look, { is: 'failed' }, final(verdict), currentJob(look))
}

/** A Job is suspended once the Job controller reports it: until then its Pod may still run. */
function suspended(look: Look): WorkFate | undefined {
  const { current, name } = look.buckets
  if (!current || !isSuspended(look.facts.parent)) return undefined
  const verdict = isStopped(current)
    ? no('Suspended', `Job "${name}" is suspended`)
    : no('Suspending', `Job "${name}" is being suspended`)
  return fated(look, { is: 'suspended', ...disruptionsIn(look) }, verdict, currentJob(look))
}

function working(look: Look): WorkFate | undefined {
  const { facts, stage, buckets } = look
  const { current } = buckets
  if (!current) return undefined
  const { admission, podsSilentSince } = facts.observed
  const verdict =
    queued(current, admission(current)) ??
    (podsSilentSince ? unheard(podsSilentSince) : progressOf(look, current))
  const progress = progressAfter(
    facts.memory.progress,
    {
      job: current.metadata.name,
      stage: stage.name,
      isRunning: verdict.reason === stage.active,
      since: runningSince(current, facts.observed.pods(stage.name)),
    },
    facts.reports,
    facts.now,
  )
  const far = progress && { progress }
  if (isFirstStep(look, current, verdict)) {
    const { disruptions } = facts.memory
    const isKept = disruptions !== undefined && stage.isUsers
    const course = { is: 'working', ...far, ...(isKept && { disruptions }) } as const
    const verdict = begun(stage, creating('Job', current.metadata.name))
    return fated(look, course, verdict, currentJob(look))
  }
  const { disruptions } = disruptionsIn(look)
  const often = disruptions?.count ? `; it was disrupted ${times(disruptions.count)}` : ''
  const course = { is: 'working', ...far, ...(disruptions && { disruptions }) } as const
  const silence = verdict.reason === stage.active ? silenceNote(progress) : ''
  return fated(
    look,
    course,
    { ...verdict, message: `${verdict.message}${often}${silence}` },
    currentJob(look),
  )
}

/**
 * Whether a Job that was created a moment ago is on its way. Its Pod gets a node, starts and runs within
 * seconds, and each step would be a write of the status: for hundreds of objects at once, most of all writes.
 * What the status says does not matter, because Metacontroller may send an older one than it has written.
 */
function isFirstStep({ facts, stage }: Look, job: Job, { reason }: Verdict): boolean {
  const { creationTimestamp } = job.metadata
  const age = (Date.parse(facts.now ?? '') - Date.parse(creationTimestamp ?? '')) / 1000
  const isOnItsWay = reason === 'Pending' || reason === stage.active
  const pods = facts.observed.pods(stage.name)
  const most = isUnseen(job, pods) ? unseenSeconds : firstSeconds
  // A clock that is far behind says nothing about the age.
  return isOnItsWay && !isRetried(job, pods) && Math.abs(age) < most
}

/** In this time, a sync looks at the Job every 5 s. */
const firstSeconds = 10
/** A scheduler that is busy with many Pods takes longer; one that is missing is reported then. */
const unseenSeconds = 60

/** A brief stage has the same reason from its start on: `Pending` would cost another write and another Event. */
const begun = ({ isBrief, active }: WorkStage, verdict: Verdict): Verdict =>
  isBrief && verdict.reason === 'Pending' ? { ...verdict, reason: active } : verdict

function progressOf({ facts: { observed }, stage }: Look, current: Job): Verdict {
  const { active, suspicion } = stage
  const refusal = observed.refusal(current)
  return jobProgress(current, observed.pods(stage.name), active, {
    ...(suspicion && { suspicion }),
    ...(refusal && { refusal }),
  })
}

/** A suspended object needs nothing yet, so it does not wait for references either. */
function notStarted(look: Look): WorkFate | undefined {
  if (!isSuspended(look.facts.parent)) return undefined
  return fated(look, { is: 'suspended' }, no('Suspended', 'spec.suspend is true'))
}

function waiting(look: Look): WorkFate | undefined {
  const reference = look.stage.needs.find(({ state }) => state === 'waiting')
  return reference?.state === 'waiting'
    ? fated(look, { is: 'waiting' }, reference.verdict)
    : undefined
}

function create(look: Look): WorkFate {
  const { facts, stage, rerun, buckets } = look
  const identity = {
    stage: stage.name,
    ...stage.hashes(rerun),
    suffix: suffixOf(stage, stage.hashes(rerun)),
    rerun,
    upstream: identitiesOf(stage.needs),
    pod: podHash(facts, stage),
    queue:
      stage.isTool && queueOf(facts.parent) !== undefined ? facts.config.queues.tools : undefined,
  }
  const created = job(facts.parent, identity, stage.policy, wantedTemplate(look))
  const verdict = awaited(facts, 'Job', buckets.name)
  return fated(look, { is: 'create' }, begun(stage, verdict), [created])
}
