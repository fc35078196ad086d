import { labels } from '../crds/kind.ts'
import type { Job, Pod } from '../hooks/children/manifesttypes.ts'
import { jobName, notebookName, serverName } from '../hooks/children/metadata.ts'
import { namespaceIn, type Shown } from './object.ts'

/** The Jobs and Pods of an object. Labels can be forged: the owner references must lead to it, too. */

export const stages = ['build', 'load', 'run', 'seal', 'package', 'serve'] as const
export type StageName = (typeof stages)[number]

interface Owner {
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

type Child = Pick<Pod, 'metadata'>

const controllerOf = ({ metadata }: Child): Owner | undefined =>
  (metadata as { readonly ownerReferences?: readonly Owner[] }).ownerReferences?.find(
    ({ controller }) => controller,
  )

const isLabelled = ({ metadata }: Child, object: Shown): boolean =>
  object.metadata.uid !== undefined &&
  metadata.labels?.[labels.parentUid] === object.metadata.uid &&
  (metadata.namespace ?? 'default') === namespaceIn(object)

export const stageOf = ({ metadata }: Child): StageName | undefined =>
  stages.find((stage) => stage === metadata.labels?.[labels.stage])

const newestFirst = (a: Child, b: Child): number =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '') ||
  a.metadata.name.localeCompare(b.metadata.name)

/** The newest first. */
export const jobsOf = (object: Shown, jobs: readonly Job[]): readonly Job[] =>
  jobs
    .filter((job) => isLabelled(job, object) && controllerOf(job)?.uid === object.metadata.uid)
    .sort(newestFirst)

const hashLength = 8

/** All of a Job's name but the hash at its end. */
const jobPrefix = (object: Shown, pod: Pod): string =>
  jobName(object, stageOf(pod) ?? '', '0'.repeat(hashLength)).slice(0, -hashLength)

/** The newest first. Without its Jobs, the names of the Pods' owners must be those that its Jobs would have. */
export function podsOf(
  object: Shown,
  pods: readonly Pod[],
  jobs: readonly Job[] | undefined,
): readonly Pod[] {
  const own = jobs && jobsOf(object, jobs)
  const isOwn = (pod: Pod): boolean => {
    const owner = controllerOf(pod)
    switch (owner?.kind) {
      case 'Job':
        return own
          ? own.some(({ metadata }) => metadata.uid === owner.uid)
          : owner.name.startsWith(jobPrefix(object, pod))
      case 'ReplicaSet':
        return object.kind === 'ModelServer' && owner.name.startsWith(`${serverName(object)}-`)
      case 'StatefulSet':
        return object.kind === 'Notebook' && owner.name === notebookName(object)
      default:
        return false
    }
  }
  return pods.filter((pod) => isLabelled(pod, object) && isOwn(pod)).sort(newestFirst)
}

export const isPodOf = (job: Job, pod: Pod): boolean => controllerOf(pod)?.uid === job.metadata.uid

/** The names that its workload, and the ReplicaSets of that, have. */
export const workloadNames = (object: Shown): { readonly [kind: string]: RegExp } => {
  const server = serverName(object)
  return object.kind === 'Notebook'
    ? { StatefulSet: new RegExp(`^${notebookName(object)}$`) }
    : { Deployment: new RegExp(`^${server}$`), ReplicaSet: new RegExp(`^${server}-[a-z0-9]+$`) }
}
