import { adviceFor, explained, type Names } from '../crds/reasons.ts'
import type { Condition } from '../crds/status.ts'
import type { Event, Job, Pod } from '../hooks/children/manifesttypes.ts'
import { conditionOf, faultOf } from '../hooks/observe/diagnosis.ts'
import { deedIn, hindranceOf } from './deeds.ts'
import { nearNames } from './near.ts'
import {
  conditionIn,
  type Named,
  namespaceIn,
  referencesIn,
  type Shown,
  titleOf,
} from './object.ts'
import { isPodOf, jobsOf, podsOf, type StageName, stageOf, workloadNames } from './own.ts'

/**
 * Why an object is as it is, from the object to the root of it:
 *
 *     ModelServer ── its Model is not Ready ── its Dataset has failed ── Job ── Pod ── Events
 */

/** What was read of a namespace; undefined: it may not be read. */
export interface Seen {
  readonly objects: readonly Shown[]
  readonly jobs: readonly Job[] | undefined
  readonly pods: readonly Pod[] | undefined
  readonly events: readonly Told[] | undefined
}

/** An Event with what `kubectl describe` shows of it. */
export type Told = Omit<Event, 'involvedObject'> & {
  readonly type?: string
  readonly count?: number
  readonly eventTime?: string | null
  readonly involvedObject?: Event['involvedObject'] & { readonly name?: string }
}

export interface Cause {
  readonly title: string
  readonly says: string
  readonly events: readonly Told[]
}

export interface Why {
  /** From the object to the root. */
  readonly causes: readonly Cause[]
  /** What the root's reason means, and what to do about it. */
  readonly meaning?: string
  readonly todo?: string
  readonly command?: string
  /** Stands in place of a command that would change nothing about the root, and says why. */
  readonly hindrance?: string
}

export function whyOf(object: Shown, seen: Seen): Why {
  const { chain, missing } = chainFrom(object, seen.objects)
  const root = chain.at(-1) ?? object
  const ready = conditionIn(root, 'Ready')
  const children = ready?.status === 'False' && !missing ? childrenOf(root, ready, seen) : {}
  const causes = [
    ...chain.map((one): Cause => ({ title: titleOf(one), says: stateOf(one), events: [] })),
    ...(missing ? [causeOfMissing(missing, seen.objects)] : []),
    ...(children.causes ?? []),
  ]
  const reason = missing ? 'ReferenceMissing' : ready?.reason
  const { meaning, command } = (reason && explained(reason)) || {}
  const todo = reason && adviceFor(reason, namesOf(root, children))
  return {
    causes,
    ...(meaning && { meaning }),
    ...(todo && { todo }),
    ...(command && helpBy(command, root, children)),
  }
}

const stateOf = (object: Shown): string => {
  const ready = conditionIn(object, 'Ready')
  if (!ready) return 'the controller has not looked at it yet'
  const { status, reason, message } = ready
  return `${status === 'True' ? 'Ready' : 'not Ready'}: ${reason}${message ? `: ${message}` : ''}`
}

interface Chain {
  readonly chain: readonly Shown[]
  readonly missing?: Named & { readonly namespace: string }
}

/** Follows what each object waits for. */
function chainFrom(object: Shown, objects: readonly Shown[]): Chain {
  const chain = [object]
  for (;;) {
    const last = chain.at(-1) ?? object
    const reference = awaitedBy(last)
    if (!reference) return { chain }
    const next = objects.find(
      (one) =>
        one.kind === reference.kind.kind &&
        one.metadata.name === reference.name &&
        namespaceIn(one) === namespaceIn(last),
    )
    if (!next) return { chain, missing: { ...reference, namespace: namespaceIn(last) } }
    if (chain.includes(next)) return { chain }
    chain.push(next)
  }
}

/** The reference that Ready's message names. */
function awaitedBy(object: Shown): Named | undefined {
  const { reason = '', message = '' } = conditionIn(object, 'Ready') ?? {}
  if (reason !== 'Waiting' && reason !== 'ReferenceMissing') return undefined
  const references = referencesIn(object)
  return references.find(({ kind, name }) => message.includes(`${kind.kind} "${name}"`))
}

function causeOfMissing(
  { kind, name, namespace }: Named & { readonly namespace: string },
  objects: readonly Shown[],
): Cause {
  const names = objects
    .filter((one) => one.kind === kind.kind && namespaceIn(one) === namespace)
    .map(({ metadata }) => metadata.name)
  const near = nearNames(name, names)
  return {
    title: `${kind.kind} "${name}"`,
    says: `does not exist in namespace "${namespace}"${near.length ? `; these do: ${near.join(', ')}` : ''}`,
    events: [],
  }
}

interface Children {
  readonly causes?: readonly Cause[]
  readonly job?: Job
  readonly pod?: Pod
}

const stagesOf: Readonly<Record<string, readonly StageName[]>> = {
  Built: ['build'],
  Complete: ['load', 'run', 'seal'],
  Packaged: ['package'],
  Serving: ['serve'],
}

/** The stages whose condition has the reason of Ready. */
function stagesIn(object: Shown, ready: Condition): readonly StageName[] {
  const types = Object.keys(stagesOf) as Condition['type'][]
  const same = types.find((type) => {
    const condition = conditionIn(object, type)
    return condition && condition.status !== 'True' && condition.reason === ready.reason
  })
  return same ? (stagesOf[same] ?? []) : []
}

function childrenOf(object: Shown, ready: Condition, seen: Seen): Children {
  const wanted = stagesIn(object, ready)
  if (!wanted.length) return {}
  const isWanted = (child: Job | Pod): boolean => {
    const stage = stageOf(child)
    return stage !== undefined && wanted.includes(stage)
  }
  const all = jobsOf(object, seen.jobs ?? []).filter(isWanted)
  const job = all.find((one) => !conditionOf(one, 'Complete'))
  const own = podsOf(object, seen.pods ?? [], seen.jobs).filter(isWanted)
  const pods = job ? own.filter((pod) => isPodOf(job, pod)) : own
  const pod = pods.find(faultOf) ?? pods[0]
  const workload = wanted.includes('serve') ? causesOfWorkload(object, seen, pod) : []
  const causes = [
    ...(job ? [causeOfJob(job, seen)] : []),
    ...workload,
    ...(pod ? [causeOfPod(pod, seen)] : []),
  ]
  return { causes, ...(job && { job }), ...(pod && { pod }) }
}

function causeOfJob(job: Job, seen: Seen): Cause {
  const failed = conditionOf(job, 'Failed')
  const { active = 0, failed: lost = 0 } = job.status ?? {}
  const says = failed
    ? `Failed: ${[failed.reason, failed.message].filter(Boolean).join(': ')}`
    : job.spec?.suspend
      ? 'suspended'
      : `${active} of its Pods active${lost ? `, ${lost} failed` : ''}`
  // That its Pods were created is seen from the Pods.
  const events = eventsAbout(job, seen).filter(({ type }) => type === 'Warning')
  return { title: `Job "${job.metadata.name}"`, says, events }
}

/** Only Events say why a workload gets no Pod; a Pod that exists says more. */
function causesOfWorkload(object: Shown, seen: Seen, pod: Pod | undefined): readonly Cause[] {
  if (pod) return []
  return Object.entries(workloadNames(object)).flatMap(([kind, names]) => {
    const events = newest(
      (seen.events ?? []).filter(
        ({ metadata, involvedObject }) =>
          (metadata.namespace ?? 'default') === namespaceIn(object) &&
          involvedObject?.kind === kind &&
          names.test(involvedObject.name ?? ''),
      ),
    )
    const [first] = events
    return first
      ? [{ title: `${kind} "${first.involvedObject?.name}"`, says: 'has no Pod', events }]
      : []
  })
}

function causeOfPod(pod: Pod, seen: Seen): Cause {
  const fault = faultOf(pod)
  const { phase = 'Unknown', reason } = pod.status ?? {}
  const { nodeName } = pod.spec ?? {}
  const says = fault
    ? `${fault.reason}: ${fault.message}`
    : `${reason ?? phase}${nodeName ? ` on node "${nodeName}"` : ', on no node yet'}`
  return { title: `Pod "${pod.metadata.name}"`, says, events: eventsAbout(pod, seen) }
}

/** More would hide the cause among its repetitions. */
const mostEvents = 5

export const timeOf = ({ lastTimestamp, eventTime, metadata }: Told): string =>
  lastTimestamp || eventTime || metadata.creationTimestamp || ''

const eventsAbout = ({ metadata }: Job | Pod, { events = [] }: Seen): readonly Told[] =>
  newest(
    events.filter(
      ({ involvedObject }) => metadata.uid !== undefined && involvedObject?.uid === metadata.uid,
    ),
  )

/** Warnings before others, and the newest first; each message once. */
function newest(events: readonly Told[]): readonly Told[] {
  const isWarning = ({ type }: Told): number => (type === 'Warning' ? 0 : 1)
  const sorted = [...events].sort(
    (a, b) => isWarning(a) - isWarning(b) || timeOf(b).localeCompare(timeOf(a)),
  )
  const told = new Set<string>()
  const isNew = ({ reason, message }: Told): boolean =>
    told.size < told.add(`${reason} ${message}`).size
  return sorted.filter(isNew).slice(0, mostEvents)
}

const namesOf = ({ kind, metadata }: Shown, { job, pod }: Children): Names => ({
  kind,
  name: metadata.name,
  job: job?.metadata.name,
  node: pod?.spec?.nodeName,
})

/** Asks what the command itself would ask: a reason does not tell what can be done about each object. */
function helpBy(command: string, root: Shown, children: Children): Partial<Why> {
  const deed = deedIn(command)
  const hindrance = deed && hindranceOf(deed, root)
  if (hindrance) return { hindrance }
  const filled = filledIn(command, root, children)
  return filled ? { command: filled } : {}
}

/** The command with the names; undefined if it needs one that is not known. */
function filledIn(command: string, { kind, metadata }: Shown, { job, pod }: Children) {
  const names: Readonly<Record<string, string | undefined>> = {
    KIND: kind.toLowerCase(),
    NAME: metadata.name,
    JOB: job?.metadata.name,
    POD: pod?.metadata.name,
  }
  const words = command.split(' ').map((word) => (word in names ? names[word] : word))
  if (words.some((word) => word === undefined)) return undefined
  const line = words.join(' ')
  return / nodes$/.test(line) ? line : `${line} -n ${metadata.namespace ?? 'default'}`
}
