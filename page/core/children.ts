import type { Tone } from './state.ts'
import { type ContainerStatus, type Job, type Pod, stageOf } from './things.ts'

/** The Jobs and Pods of an object, each with its state in Kubernetes' own words. */

export interface Child extends ChildState {
  readonly kind: 'Job' | 'Pod'
  readonly name: string
  readonly created: string | undefined
}

interface ChildState {
  readonly tone: Tone
  readonly word: string
  /** For instance `2 restarts` and `on gpu-7`. */
  readonly details: readonly string[]
}

/** The newest first; a Pod before its Job, if both are of one second. */
export const childrenOf = (jobs: readonly Job[], pods: readonly Pod[]): readonly Child[] =>
  [
    ...pods.map((pod) => ({ kind: 'Pod' as const, ...bornAs(pod), ...podState(pod) })),
    ...jobs.map((job) => ({ kind: 'Job' as const, ...bornAs(job), ...jobState(job) })),
  ].toSorted((a, b) => timeOf(b) - timeOf(a))

const bornAs = ({ metadata: { name, creationTimestamp } }: Job | Pod) => ({
  name,
  created: creationTimestamp,
})

const timeOf = ({ created }: { readonly created: string | undefined }): number =>
  Date.parse(created ?? '') || 0

function jobState({ metadata, spec, status = {} }: Job): ChildState {
  const { conditions = [], active = 0, failed = 0 } = status
  const end = conditions.find(({ type, status }) => endOf.has(type) && status === 'True')
  const losses = failed ? [`${failed} failed`] : []
  if (end)
    return {
      tone: endOf.get(end.type) ?? 'failed',
      word: end.type,
      details: [...(end.type === 'Failed' && end.reason ? [end.reason] : []), ...losses],
    }
  if (metadata.deletionTimestamp) return { ...terminating, details: losses }
  if (spec?.suspend) return { tone: 'stopped', word: 'Suspended', details: losses }
  return {
    tone: active ? 'working' : 'waiting',
    word: 'Running',
    details: [`${active} active`, ...losses],
  }
}

/** The conditions that end a Job. */
const endOf: ReadonlyMap<string, Tone> = new Map([
  ['Complete', 'ready'],
  ['Failed', 'failed'],
])

const terminating = { tone: 'stopped', word: 'Terminating' } as const

function podState(pod: Pod): ChildState {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {}
  // A sidecar ends after the program, and says less.
  const containers = [...containerStatuses, ...initContainerStatuses]
  const restarts = containers.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0)
  const node = pod.spec?.nodeName
  const { tone, word, details = [] } = faultOf(pod, containers) ?? phaseOf(pod, containers)
  return {
    tone,
    word,
    details: [
      ...details,
      ...(restarts ? [`${restarts} ${restarts === 1 ? 'restart' : 'restarts'}`] : []),
      ...(node ? [`on ${node}`] : []),
    ],
  }
}

type PodState = Pick<ChildState, 'tone' | 'word'> & Partial<ChildState>

/** While a container has one of these reasons, it is about to start. */
const starting = new Set<string | undefined>([undefined, 'ContainerCreating', 'PodInitializing'])

/** What says more than the phase. */
function faultOf(
  { metadata, status = {} }: Pod,
  containers: readonly ContainerStatus[],
): PodState | undefined {
  if (metadata.deletionTimestamp) return terminating
  // The exit code of a sidecar changes nothing about that.
  if (status.phase === 'Succeeded') return undefined
  if (status.reason) return { tone: 'failed', word: status.reason }
  for (const { name, state } of containers) {
    const reason = state?.waiting?.reason
    if (reason && !starting.has(reason))
      return { tone: 'failed', word: reason, details: [`container ${name}`] }
    const { exitCode, reason: end = 'Error' } = state?.terminated ?? {}
    if (exitCode)
      return {
        tone: 'failed',
        word: end,
        details: [`container ${name} exited with ${exitCode}`],
      }
  }
  return undefined
}

const phases: ReadonlyMap<string, Tone> = new Map([
  ['Running', 'working'],
  ['Succeeded', 'ready'],
  ['Failed', 'failed'],
])

function phaseOf(pod: Pod, containers: readonly ContainerStatus[]): PodState {
  const { phase = 'Pending', containerStatuses = [] } = pod.status ?? {}
  if (phase === 'Pending') {
    const waits = containers.find(({ state }) => state?.waiting?.reason)?.state?.waiting
    return { tone: 'waiting', word: waits?.reason ?? phase }
  }
  const isServing =
    phase === 'Running' && stageOf(pod) === 'serve' && containerStatuses.every(({ ready }) => ready)
  return { tone: isServing ? 'ready' : (phases.get(phase) ?? 'waiting'), word: phase }
}
