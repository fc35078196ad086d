import { type Config, type ConfigFile, configOf } from '../crds/config.ts'
import { apiVersion, type KindName, type Parent } from '../crds/kind.ts'
import { hash } from '../crds/names.ts'
import type { Artifacts, Condition, StageRecord } from '../crds/status.ts'
import type { Pod } from '../hooks/children/manifesttypes.ts'
import { hooks } from '../hooks/hooks.ts'
import type {
  Child as AnyChild,
  Group,
  SyncRequest,
  SyncResponse,
} from '../hooks/observe/protocol.ts'
import { keptPod } from '../server/keptpod.ts'

/** Objects as the API server stores them, with only what a test is about. */

/** JSON of any shape, whose fields tests read by name. */
// biome-ignore lint/suspicious/noExplicitAny: manifests and statuses of all kinds.
export type Json = any

/** A value that does not have the type that it is passed as. */
export const mistyped = <T>(value: unknown): T => value as T

/** A child whose fields are read by name, whatever its kind. */
export type Child = AnyChild & { readonly spec?: Json; readonly status?: Json }

type Spec = Readonly<Record<string, unknown>>

interface More {
  readonly name?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly generation?: number
  readonly status?: unknown
}

const objectOf =
  (kind: KindName, standardName: string) =>
  (spec: Spec, { name = standardName, status, ...metadata }: More = {}): Parent => ({
    apiVersion,
    kind,
    metadata: { name, namespace: 'default', uid: `uid-of-${name}`, generation: 1, ...metadata },
    spec,
    ...(status !== undefined && { status }),
  })

export const aModel = objectOf('Model', 'falcon')
export const aDataset = objectOf('Dataset', 'squad')
export const aModelServer = objectOf('ModelServer', 'falcon')
export const aNotebook = objectOf('Notebook', 'explore')

/** The administrator's configuration: all defaults, and a registry to push to. */
export function aConfig(file: ConfigFile = {}): Config {
  const result = configOf({ registry: { prefix: 'registry.test' }, ...file })
  if ('errors' in result) throw new Error(JSON.stringify(result.errors))
  return result.config
}

/** The object with a complete result, as objects that refer to it see it. */
export const complete = (parent: Parent, artifacts: Artifacts): Parent => ({
  ...parent,
  status: { ready: true, artifacts: { id: 'one', ...artifacts } },
})

/** The object with the status of the response. */
export const stored = (parent: Parent, answer: SyncResponse): Parent => ({
  ...parent,
  status: throughJson(answer.status),
})

export const throughJson = <T>(value: T): T => JSON.parse(JSON.stringify(value))

const lastApplied = 'metacontroller.k8s.io/last-applied-configuration'

/** A child as Metacontroller applied it and the API server shows it. */
export function observed(child: Child, status?: unknown): Child {
  const { [lastApplied]: _, ...annotations } = child.metadata.annotations ?? {}
  const applied = throughJson({
    ...child,
    metadata: {
      ...child.metadata,
      ...(Object.keys(annotations).length && { annotations }),
    },
    status: undefined,
  })
  return {
    ...applied,
    metadata: {
      ...applied.metadata,
      namespace: 'default',
      uid: `uid-of-${child.metadata.name}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      annotations: { ...annotations, [lastApplied]: JSON.stringify(applied) },
    },
    ...(status !== undefined && { status: status as object }),
  }
}

export const running = { active: 1 }
export const completed = { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] }
export const failed = (reason = 'BackoffLimitExceeded', message = 'Job has failed') => ({
  failed: 1,
  conditions: [{ type: 'Failed', status: 'True', reason, message }],
})

/** The Job of a response, observed with a status. */
export const aJob = (answer: SyncResponse, status: unknown = running): Child =>
  observed(theChild(answer, 'Job'), status)

/**
 * The Job of a load or a run as 0.1.0 made it: it is named after its attempt, and it seals the result in the
 * same Pod, so that the program is an init container.
 */
export function earlierJob(job: Child, status: unknown = job.status): Child {
  const attempt = job.metadata.annotations?.['substratus.ai/attempt'] ?? ''
  const { template } = job.spec
  const { containers, initContainers = [] } = template.spec
  const seal = { name: 'seal', image: 'example.com/seal:1', args: ['seal'] }
  const pod = {
    ...template.spec,
    initContainers: [...initContainers, ...containers],
    containers: [seal],
  }
  const name = job.metadata.name.replace(/[0-9a-f]{8}$/, attempt.slice(0, 8))
  return observed(
    {
      ...job,
      metadata: { ...job.metadata, name },
      spec: { ...job.spec, template: { ...template, spec: pod } },
    },
    status,
  )
}

/** A Pod of a Job, Deployment or StatefulSet. */
export function aPod(owner: Child, status: unknown, more: Partial<Child['metadata']> = {}): Child {
  const { labels, ...metadata } = more
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${owner.metadata.name}-x7k2p`,
      namespace: 'default',
      creationTimestamp: '2026-01-01T00:00:01Z',
      ...metadata,
      labels: {
        ...owner.spec.template.metadata.labels,
        ...(owner.kind === 'Job' && { 'batch.kubernetes.io/job-name': owner.metadata.name }),
        ...labels,
      },
    },
    spec: { ...owner.spec.template.spec, nodeName: 'one' },
    status: status as object,
  }
}

/** An Event about an object, as the server keeps it. */
export const anEvent = (
  { kind, metadata: { uid, namespace } }: Child,
  reason: string,
  message: string,
  more: object = {},
): Child => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: `${uid}.${hash([reason, message])}`, ...(namespace && { namespace }) },
  ...({
    involvedObject: { kind, uid },
    reason,
    message,
    lastTimestamp: '2026-01-01T00:01:00Z',
  } as object),
  ...more,
})

/** The status of a Pod whose only container has ended. */
export const ended = (exitCode: number, message?: string, reason?: string) => ({
  phase: exitCode === 0 ? 'Succeeded' : 'Failed',
  containerStatuses: [{ name: 'seal', state: { terminated: { exitCode, message, reason } } }],
})

export const digest = `sha256:${'a'.repeat(64)}`

/** The termination message of seal and of the builder. */
export const report = (more: object = {}): string => JSON.stringify({ digest, ...more })

const isRelated = ({ kind }: Child): boolean =>
  ['Pod', 'Event', 'Model', 'Dataset', 'Workload'].includes(kind)
const groupOf = ({ kind, apiVersion: version }: Child): string => `${kind}.${version}`

const grouped = (objects: readonly Child[]): Group => {
  const group: Record<string, Record<string, Child>> = {}
  for (const object of objects) {
    const key = groupOf(object)
    group[key] = {
      ...group[key],
      [`${object.metadata.namespace ?? 'default'}/${object.metadata.name}`]: object,
    }
  }
  return group
}

/** The observed objects of a cluster: children, Pods, Models and Datasets, in any order. */
export type Seen = Child | Parent

/** A Pod as the server keeps it. */
const asKept = (object: Child): Child => (object.kind === 'Pod' ? keptPod(object as Pod) : object)

/** The request that Metacontroller sends when it observes exactly these objects. */
export function requestFor(parent: Parent, ...seen: readonly Seen[]): SyncRequest {
  const objects = seen as readonly Child[]
  return {
    parent,
    children: grouped(objects.filter((it) => !isRelated(it))),
    // The server adds the Pods, so the group exists even without any.
    related: { 'Pod.v1': {}, ...grouped(objects.filter(isRelated).map(asKept)) },
  }
}

/** Calls the hook of the parent's kind as over the wire: what JSON cannot represent is lost. */
export function sync(
  parent: Parent,
  seen: readonly Seen[] = [],
  config: Config = aConfig(),
): SyncResponse {
  const hook = hooks.find(({ kind }) => kind.kind === parent.kind)
  if (!hook) throw new Error(`no hook for ${parent.kind}`)
  return throughJson(hook.sync(throughJson(requestFor(parent, ...seen)), config))
}

interface AnyStatus {
  readonly conditions: readonly Condition[]
  readonly stages?: Readonly<Record<string, StageRecord>>
  readonly artifacts?: Artifacts
  readonly image?: string
  readonly [field: string]: Json
}

export const statusOf = (answer: SyncResponse): AnyStatus => answer.status as AnyStatus

/** A condition as kubectl's columns show it: `False Waiting: waiting for Dataset "squad": Loading`. */
export function conditionOf(answer: SyncResponse, type: Condition['type']): string {
  const found = statusOf(answer).conditions.find((condition) => condition.type === type)
  return found ? `${found.status} ${found.reason}: ${found.message}` : 'absent'
}

export const readyOf = (answer: SyncResponse): string => conditionOf(answer, 'Ready')

export const childrenOf = (answer: SyncResponse, kind: string): readonly Child[] =>
  answer.children.filter((child) => child.kind === kind)

/** The only child of a kind. */
export function theChild(answer: SyncResponse, kind: string): Child {
  const [child, ...others] = childrenOf(answer, kind)
  if (!child || others.length) throw new Error(`${others.length + (child ? 1 : 0)} ${kind}s`)
  return child
}

/** One line per child: `Job falcon-model-run-0a1b2c3d`. */
export const namesOf = (answer: SyncResponse): readonly string[] =>
  answer.children.map(({ kind, metadata }) => `${kind} ${metadata.name}`)

/** The children of an answer as observed right after they were applied. */
export const applied = (answer: SyncResponse, status?: unknown): readonly Child[] =>
  answer.children.map((child) => observed(child, status))
