import type { Config } from '../crds/config.ts'
import { apiVersion, type Parent } from '../crds/kind.ts'
import { hash } from '../crds/names.ts'
import { specOf } from '../crds/rule.ts'
import type { Adapter } from '../crds/status.ts'
import type { Job, Workload } from '../hooks/children/manifesttypes.ts'
import { hooks } from '../hooks/hooks.ts'
import { lastApplied } from '../hooks/observe/applied.ts'
import type { Child, Group } from '../hooks/observe/protocol.ts'

/** A parent with its final status, and every child that it had. */
export interface Simulation {
  readonly parent: Parent
  readonly children: readonly Child[]
}

interface State {
  parent: Parent
  /** The adapter that its result is, if it is one. */
  readonly adapter: Adapter | undefined
  observed: readonly Child[]
  readonly all: Map<string, Child>
}

/** A name means another object in each namespace. */
const placeOf = (name: string, { metadata }: Parent): string => `${metadata.namespace}/${name}`

/** The Models in spec.adapters, with the format that their server reads: their results count as adapters. */
function adaptersIn(objects: readonly Parent[], { servers }: Config): ReadonlyMap<string, Adapter> {
  const found = objects.flatMap((object) => {
    const { kind, spec } = object
    const { adapters = [], runtime = servers.default } = specOf({ spec })
    const format = servers.presets[runtime]?.adapterArgs?.format ?? 'peft'
    return kind === 'ModelServer'
      ? adapters.map(({ name }) => [placeOf(name, object), { format, rank: 8 }] as const)
      : []
  })
  return new Map(found)
}

/** More syncs than build, run, package and serve need together. */
const maxRounds = 20

const keyOf = ({ kind, metadata }: Child): string => `${kind}/${metadata.name}`

/**
 * Simulates a cluster in which every Job completes and every server becomes ready, and calls the hooks
 * until nothing changes any more. With `now`, it calls them only once.
 */
export function simulate(
  given: readonly Parent[],
  config: Config,
  now: boolean,
): readonly Simulation[] {
  const objects = given.map(placed)
  const adapters = adaptersIn(objects, config)
  const states: State[] = objects.map((object) => ({
    parent: object,
    adapter:
      object.kind === 'Model' ? adapters.get(placeOf(object.metadata.name, object)) : undefined,
    observed: [],
    all: new Map(),
  }))
  for (let round = 0; round < (now ? 1 : maxRounds); round++) {
    const related = relatedOf(states)
    for (const one of states) step(one, related, config)
  }
  return states.map(({ parent, all }) => ({ parent, children: [...all.values()] }))
}

/** As the API server would store it. */
const placed = (object: Parent): Parent => ({
  ...object,
  metadata: { namespace: 'default', generation: 1, ...object.metadata },
})

const relatedOf = (states: readonly State[]): Group => {
  const group: Record<string, Record<string, Child>> = {}
  for (const { parent } of states) {
    const kind = `${parent.kind}.${apiVersion}`
    group[kind] = {
      ...group[kind],
      [placeOf(parent.metadata.name, parent)]: parent as Child,
    }
  }
  return group
}

function step(one: State, related: Group, config: Config): void {
  const hook = hooks.find(({ kind }) => kind.kind === one.parent.kind)
  if (!hook) return
  const named = (objects: readonly Child[]) =>
    Object.fromEntries(objects.map((object) => [keyOf(object), object]))
  const pods = one.observed.filter(({ kind }) => kind === 'Job').map((job) => podOf(job, one))
  const answer = hook.sync(
    {
      parent: one.parent,
      children: { observed: named(one.observed) },
      related: { ...related, 'Pod.v1': named(pods) },
    },
    config,
  )
  one.parent = { ...one.parent, status: answer.status }
  one.observed = answer.children.map(finished)
  for (const child of answer.children)
    if (!one.all.has(keyOf(child))) one.all.set(keyOf(child), child)
}

/** The Pod of a finished Job, with an invented digest instead of the one that a builder would report. */
const podOf = ({ metadata, spec }: Job, { parent, adapter }: State): Child => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: metadata.name,
    namespace: parent.metadata.namespace ?? 'default',
    labels: { ...spec?.template?.metadata.labels, 'batch.kubernetes.io/job-name': metadata.name },
  },
  status: {
    containerStatuses: [
      {
        state: { terminated: { exitCode: 0, message: reportOf(metadata.name, adapter) } },
      },
    ],
  },
})

function reportOf(job: string, adapter: Adapter | undefined): string {
  const digest = `sha256:${hash(job).repeat(4)}`
  return adapter ? JSON.stringify({ digest, adapter }) : digest
}

/** The child as it would look once it has done its work. */
function finished(child: Child): Child {
  const observed = {
    ...child,
    metadata: {
      ...child.metadata,
      annotations: {
        ...child.metadata.annotations,
        [lastApplied]: JSON.stringify(child),
      },
    },
  }
  const { replicas } = (child as Workload).spec ?? {}
  switch (child.kind) {
    case 'Job':
      return { ...observed, status: { conditions: [{ type: 'Complete', status: 'True' }] } }
    case 'Deployment':
      return {
        ...observed,
        status: {
          replicas,
          availableReplicas: replicas,
          updatedReplicas: replicas,
          conditions: [{ type: 'Available', status: 'True' }],
        },
      }
    case 'StatefulSet':
      return { ...observed, status: { readyReplicas: replicas } }
    default:
      return observed
  }
}
