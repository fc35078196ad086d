import type { KindName } from '../crds/kinds.ts'
import type { Condition } from '../crds/status.ts'
import type { ContainerStatus, Pod } from '../hooks/children/manifesttypes.ts'
import { conditionOf, containersOf, faultOf } from '../hooks/observe/diagnosis.ts'
import { conditionIn, type Shown, titleOf } from './object.ts'
import { type StageName, stageOf } from './own.ts'

/** Which log to read next: container by container, Pod by Pod, and from stage to stage. */

/** What one container has written, between two restarts. */
export interface Log {
  readonly pod: Pod
  readonly stage: StageName
  readonly container: string
  /** Differs for each restart. */
  readonly key: string
}

export type Step =
  | { readonly do: 'read'; readonly log: Log }
  | { readonly do: 'wait'; readonly why: string }
  | { readonly do: 'end'; readonly says?: string; readonly isFault?: true }

export interface Logs {
  /** Undefined once it is deleted. */
  readonly object: Shown | undefined
  /** Its own Pods. */
  readonly pods: readonly Pod[]
  readonly stage?: StageName
  readonly isFollowed: boolean
  /** The keys of the logs that have been read. */
  readonly read: ReadonlySet<string>
  /** The Pod that was read first; older ones are not read. */
  readonly first?: Pod
}

export function nextLog(logs: Logs): Step {
  const { object, isFollowed, read, stage } = logs
  const pods = podsToRead(logs)
  const log = pods.flatMap(logsOf).find(({ key }) => !read.has(key))
  if (log) return { do: 'read', log }
  if (!object) return { do: 'end', says: 'it was deleted', isFault: true }
  const absent = stage && !pods.length && withoutStage(object, stage)
  if (absent) return { do: 'end', says: absent, isFault: true }
  if (!isFollowed) return read.size ? { do: 'end' } : nothing(object, pods, stage)
  return over(object, stage) ?? { do: 'wait', why: waitingFor(object) }
}

/** The Pod of the stage under way, or of the last one; if followed, also the later ones. */
function podsToRead({ pods, stage, isFollowed, first }: Logs): readonly Pod[] {
  const wanted = pods
    .filter((pod) => (stage ? stageOf(pod) === stage : stageOf(pod) !== undefined))
    .sort((a, b) => born(a).localeCompare(born(b)))
  const from = first ?? wanted.findLast((pod) => logsOf(pod).length > 0) ?? wanted.at(-1)
  if (!from) return []
  return isFollowed
    ? wanted.filter((pod) => born(pod) >= born(from))
    : wanted.filter(({ metadata }) => metadata.uid === from.metadata.uid)
}

const born = ({ metadata }: Pod): string => `${metadata.creationTimestamp} ${metadata.name}`

/** The containers that have started, in the order in which they do; sidecars of ours say nothing. */
function logsOf(pod: Pod): readonly Log[] {
  const stage = stageOf(pod)
  const { initContainers = [], containers = [] } = pod.spec ?? {}
  const names = [
    ...initContainers.filter(({ restartPolicy }) => restartPolicy !== 'Always'),
    ...mainOf(containers),
  ].map(({ name }) => name)
  const statuses = containersOf(pod)
  return names.flatMap((container) => {
    const status = statuses.find(({ name }) => name === container)
    if (!stage || !status || !hasStarted(status)) return []
    return [
      {
        pod,
        stage,
        container,
        key: `${pod.metadata.uid}/${container}/${status.restartCount ?? 0}`,
      },
    ]
  })
}

type Containers = NonNullable<Pod['spec']>['containers']

/** The program; other containers stand beside it. */
const mainOf = (containers: Containers): Containers => {
  const named = containers.filter(({ name }) => name === 'server' || name === 'notebook')
  return named.length ? named : containers.slice(0, 1)
}

const hasStarted = ({ state, lastState }: ContainerStatus): boolean =>
  Boolean(state?.running ?? state?.terminated ?? lastState?.terminated)

const stagesByKind: Readonly<Record<KindName, readonly StageName[]>> = {
  Dataset: ['build', 'load', 'seal'],
  Model: ['build', 'run', 'seal', 'package'],
  ModelServer: ['build', 'serve'],
  Notebook: ['build', 'serve'],
}

/** What to say about a stage that the object lacks: its kind has no such stage, or the stage is skipped. Undefined for others. */
function withoutStage(object: Shown, stage: StageName): string | undefined {
  const own = stagesByKind[object.kind].filter(
    (one) => conditionIn(object, conditionOfStage[one])?.reason !== 'Skipped',
  )
  if (own.includes(stage)) return undefined
  const others = own.length ? `its stages are ${own.join(', ')}` : 'it has none'
  return `${titleOf(object)} has no stage "${stage}": ${others}`
}

/** Why there is no log. */
function nothing(object: Shown, pods: readonly Pod[], stage: StageName | undefined): Step {
  const [pod] = pods
  const where = stage ? `stage "${stage}" of ${titleOf(object)}` : titleOf(object)
  const fault = pod && faultOf(pod)
  const says = pod
    ? `no container of Pod "${pod.metadata.name}" has started${fault ? `: ${fault.message}` : ''}`
    : `${where} has no Pod now, and so no log; it ${stateOf(object)}`
  return { do: 'end', says, isFault: true }
}

const stateOf = (object: Shown): string => {
  const ready = conditionIn(object, 'Ready')
  if (!ready) return 'has not been seen by the controller yet'
  return `is ${ready.status === 'True' ? '' : 'not '}Ready: ${ready.reason}: ${ready.message}`
}

const waitingFor = (object: Shown): string => {
  const { reason, message } = conditionIn(object, 'Ready') ?? {}
  return reason ? `${reason}: ${message}` : 'the controller has not looked at it yet'
}

const conditionOfStage: Readonly<Record<StageName, Condition['type']>> = {
  build: 'Built',
  load: 'Complete',
  run: 'Complete',
  seal: 'Complete',
  package: 'Packaged',
  serve: 'Serving',
}

/** Whether no further log will come. */
function over(object: Shown, stage: StageName | undefined): Step | undefined {
  const says = `${titleOf(object)} ${stateOf(object)}`
  if (conditionIn(object, 'Stalled')?.status === 'True') return { do: 'end', says, isFault: true }
  const ready = conditionIn(object, 'Ready')
  const isServing = object.kind === 'ModelServer' || object.kind === 'Notebook'
  const isAsleep = ready?.reason === 'Suspended' || ready?.reason === 'Idle'
  if (ready?.status === 'True' && (!isServing || isAsleep)) return { do: 'end', says }
  if (!stage || stage === 'serve') return undefined
  return conditionIn(object, conditionOfStage[stage])?.status === 'True'
    ? { do: 'end', says: `stage "${stage}" of ${titleOf(object)} is over` }
    : undefined
}

/** How a container that was read has ended, or what became of its Pod; undefined while it runs. */
export function endOf({ pod, container, key }: Log, pods: readonly Pod[]): string | undefined {
  const now = pods.find(({ metadata }) => metadata.uid === pod.metadata.uid)
  const name = `Pod "${pod.metadata.name}"`
  if (!now) return `${name} is gone, and its log with it`
  const target = conditionOf(now, 'DisruptionTarget')
  const { reason, message } = now.status ?? {}
  const lost = reason ? { reason, message } : target
  if (lost) return `${name} was lost: ${[lost.reason, lost.message].filter(Boolean).join(': ')}`
  if ('deletionTimestamp' in now.metadata) return `${name} is being deleted`
  const status = containersOf(now).find((one) => one.name === container)
  const isSame = key.endsWith(`/${status?.restartCount ?? 0}`)
  const end = isSame ? status?.state?.terminated : status?.lastState?.terminated
  return end && `container "${container}" of ${name} exited with ${end.exitCode}`
}
