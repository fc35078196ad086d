import { inject } from 'vitest'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import { watchObjects } from '../../cluster/watch.ts'
import { labels } from '../../crds/kind.ts'
import { kinds } from '../../crds/kinds.ts'
import type { Condition } from '../../crds/status.ts'
import type { Shown } from '../cluster/cluster.ts'

/** Everything that happens to our objects, their Jobs and their Pods, as watches of our own see it. */

/** A change of Ready. */
export interface ReadyChange {
  readonly at: number
  readonly generation: number
  readonly status: string
  readonly reason: string
  readonly message: string
}

export interface History {
  readonly namespace: string
  /** KIND/NAME. */
  readonly what: string
  readonly changes: ReadyChange[]
}

export interface Recorder {
  /** By uid. */
  readonly objects: ReadonlyMap<string, History>
  /** Every Job that was ever seen, by uid. */
  readonly jobs: ReadonlyMap<string, Shown>
  /** Every Pod that was ever seen, by uid. */
  readonly pods: ReadonlyMap<string, Shown>
  /** When a Pod of the object of this uid came, went, or changed whether it is ready. */
  readonly disturbances: (uid: string) => readonly number[]
  readonly stop: () => void
}

export function record(): Recorder {
  const kubeConfig = kubeConfigOf(inject('cluster').kubeconfig)
  const ending = new AbortController()
  const objects = new Map<string, History>()
  const jobs = new Map<string, Shown>()
  const pods = new Map<string, Shown>()
  const disturbances = new Map<string, number[]>()

  const disturb = (pod: Shown) => {
    const uid = pod.metadata.labels?.[labels.parentUid]
    disturbances.set(uid, [...(disturbances.get(uid) ?? []), Date.now()])
  }
  const put = (pod: Shown) => {
    const before = pods.get(pod.metadata.uid)
    if (!before || isReady(before) !== isReady(pod)) disturb(pod)
    pods.set(pod.metadata.uid, pod)
  }
  const watch = (
    path: string,
    put: (object: Shown) => void,
    gone: (object: Shown) => void = () => {},
  ) =>
    watchObjects<Shown, Shown>({
      kubeConfig,
      path,
      keep: (object) => object,
      changed: (there, deleted) => {
        for (const object of there) put(object)
        for (const object of deleted) gone(object)
      },
      // The API server is one of the things that fail.
      failed: () => {},
      signal: ending.signal,
    })
  for (const { kind, plural } of kinds)
    watch(`/apis/substratus.ai/v1/${plural}`, (object) => note(objects, kind, object))
  watch('/apis/batch/v1/jobs', (job) => void jobs.set(job.metadata.uid, job))
  watch('/api/v1/pods', put, disturb)
  return {
    objects,
    jobs,
    pods,
    disturbances: (uid) => disturbances.get(uid) ?? [],
    stop: () => ending.abort(),
  }
}

const conditionOf = (object: Shown, wanted: string): Condition | undefined =>
  object.status?.conditions?.find(({ type }: { readonly type: string }) => type === wanted)

const isReady = (pod: Shown): boolean => conditionOf(pod, 'Ready')?.status === 'True'

function note(objects: Map<string, History>, kind: string, { metadata, ...object }: Shown): void {
  const { uid, namespace, name, generation } = metadata
  const history: History = objects.get(uid) ?? { namespace, what: `${kind}/${name}`, changes: [] }
  objects.set(uid, history)
  const ready = conditionOf(object, 'Ready')
  if (!ready) return
  const { status, reason, message, observedGeneration = generation } = ready
  const last = history.changes.at(-1)
  if (last?.status === status && last.reason === reason && last.message === message) return
  history.changes.push({ at: Date.now(), generation: observedGeneration, status, reason, message })
}
