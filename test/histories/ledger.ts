import { canonical } from '../../crds/names.ts'
import { jobAnnotations } from '../../hooks/children/metadata.ts'
import type { Json } from '../objects.ts'
import { find, type Stored, violated, type World } from './world.ts'

/**
 * What each Job was created for, by what its object said at that time, and whether it succeeded. What has
 * succeeded may run again only if it is excused:
 *
 *     somebody deleted the Job before a request contained its record
 *     the spec asked for something else before a status contained its record
 *     the digest of an image was lost with its Pod
 *     as many newer results as are stored have taken its place
 */
export interface Work {
  readonly job: string
  readonly uid: string
  readonly object: string
  readonly stage: string
  /** What the result depends on, in the words of the spec. */
  readonly inputs: string
  readonly rerun: string | undefined
  isDone: boolean
  /** Whether a request contained its record, so that nothing can make it run again. */
  isKnown: boolean
  excuse?: string
}

/** Fields of a spec on which no result depends. */
const besides = ['resources', 'suspend', 'runPolicy', 'package', 'pod', 'imagePullSecrets']

export function inputsOf({ spec }: Stored, stage: string): string {
  if (stage === 'build') return canonical(spec.build)
  const said = Object.entries(spec as object).filter(([field]) => !besides.includes(field))
  return canonical(Object.fromEntries(said))
}

export const stageOf = ({ metadata: { labels } }: Stored): string =>
  labels?.['substratus.ai/stage'] ?? ''

const rerunOf = ({ metadata: { annotations } }: Stored): string | undefined =>
  annotations?.[jobAnnotations.rerun]

/** A sync has created a Job, for an object as the sync saw it. */
export function begun(world: World, parent: Stored, job: Stored): void {
  const work: Work = {
    job: job.metadata.name,
    uid: job.metadata.uid,
    object: parent.metadata.uid,
    stage: stageOf(job),
    inputs: inputsOf(parent, stageOf(job)),
    rerun: rerunOf(job),
    isDone: false,
    isKnown: false,
  }
  const asked = rerunOf(parent)
  const before = world.works.find(
    (one) => one.isDone && one.excuse === undefined && isEnough(one, work, asked),
  )
  // A Job of an object that is deleted is soon deleted, too.
  const isThere = find(world, parent.kind, parent.metadata.name)?.metadata.uid === work.object
  if (before && isThere) violated(`Job "${work.job}" repeats what Job "${before.job}" has done`)
  world.works.push(work)
}

/** Unless the object asks for a rerun, any result of its inputs would do. */
const isEnough = (before: Work, { object, stage, inputs }: Work, asked?: string): boolean =>
  before.object === object &&
  before.stage === stage &&
  before.inputs === inputs &&
  (asked === undefined || before.rerun === asked)

export const workOf = ({ works }: World, { metadata: { uid } }: Stored): Work | undefined =>
  works.find((work) => work.uid === uid)

export function succeeded(world: World, job: Stored): void {
  const work = workOf(world, job)
  if (work) work.isDone = true
}

/** The Jobs whose results a status has. */
export const recordedIn = (status: Json): ReadonlySet<string> =>
  jobsIn([status?.stages, status?.lastComplete, ...formerIn(status)])

/** Those of complete results. */
const completeIn = (status: Json): ReadonlySet<string> =>
  jobsIn([
    ...(status?.artifacts?.url ? [status.lastComplete ?? status.stages] : []),
    ...formerIn(status),
  ])

const formerIn = (status: Json): readonly Json[] =>
  (status?.former ?? []).map(({ stages }: Json) => stages)

const jobsIn = (all: readonly Json[]): ReadonlySet<string> =>
  new Set(
    all
      .flatMap((stages): readonly Json[] => Object.values(stages ?? {}))
      .flatMap(({ job, seal }) => [job, seal]),
  )

/** A request contained this status. */
export function known(world: World, parent: Stored): void {
  const recorded = recordedIn(parent.status)
  for (const work of world.works)
    if (work.object === parent.metadata.uid && work.isDone && recorded.has(work.job))
      work.isKnown = true
}

/** Somebody has deleted a Job, or its Pod and with it a digest that nobody has read. */
export function deletedByHand(world: World, job: Stored): void {
  const work = workOf(world, job)
  if (work && !work.isKnown) work.excuse = 'its Job was deleted by hand'
}

/** A sync deletes a Job, in answer to a request with these Pods. */
export function deletedBySync(
  world: World,
  parent: Stored,
  job: Stored,
  pods: readonly Stored[],
): void {
  const work = workOf(world, job)
  if (!work?.isDone || work.isKnown || work.excuse) return
  const rerun = rerunOf(parent)
  const isAsked =
    inputsOf(parent, work.stage) === work.inputs && (rerun === undefined || rerun === work.rerun)
  const isSeen = pods.some(
    ({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-name'] === work.job,
  )
  if (!isAsked) work.excuse = 'the spec asked for something else'
  else if (['build', 'package'].includes(work.stage) && !isSeen)
    work.excuse = 'its digest was lost with its Pod'
}

/**
 * A status is replaced. What it no longer records must have been replaced by something newer, unless no
 * request has had that record: then the Job is still there to be read again.
 */
export function replaced(world: World, { metadata, status: before }: Stored, now: Json): void {
  const [had, has] = [recordedIn(before), recordedIn(now)]
  const own = world.works.filter((work) => work.object === metadata.uid && work.isDone)
  for (const work of own) {
    if (work.excuse || !work.isKnown || !had.has(work.job) || has.has(work.job)) continue
    const newer = own.filter((other) => isOther(other, work) && has.has(other.job))
    if (!newer.length) violated(`the status forgets what Job "${work.job}" has done`)
    const isStored =
      completeIn(before).has(work.job) &&
      resultsIn(now) < keptBy(world) &&
      newer.every(({ inputs }) => inputs !== work.inputs)
    if (isStored && !world.isReconfigured && !world.bereft.has(metadata.uid))
      violated(`the status forgets what Job "${work.job}" has done, although it is stored`)
    work.excuse = 'newer results have taken its place'
  }
}

/** Whether another work makes the same kind of result from something else. */
const isOther = (other: Work, { stage, inputs, rerun }: Work): boolean =>
  slotOf(other.stage) === slotOf(stage) && (other.inputs !== inputs || other.rerun !== rerun)

/** A result is run or loaded, and may be sealed by a Job of its own. */
const slotOf = (stage: string): string => (['build', 'package'].includes(stage) ? stage : 'result')

const keptBy = ({ config }: World): number => config.storage.keepResults

/** How many complete results a status has. An image that is the model is one, too. */
const resultsIn = (status: Json): number =>
  (status?.artifacts?.id ? 1 : 0) + (status?.former?.length ?? 0)
