import type { Config } from '../crds/config.ts'
import { apiVersion, type Parent } from '../crds/kind.ts'
import { hash } from '../crds/names.ts'
import type { Job, Workload } from '../hooks/children/manifesttypes.ts'
import { hooks } from '../hooks/hooks.ts'
import { lastApplied } from '../hooks/observe/applied.ts'
import type { Child, Group } from '../hooks/observe/protocol.ts'

/** A parent and every child it has had. */
export interface Life {
  readonly parent: Parent
  readonly children: readonly Child[]
}

interface Living {
  parent: Parent
  observed: readonly Child[]
  readonly all: Map<string, Child>
}

/** More answers than any life needs: build, run, package and serve, each asked a few times. */
const longest = 20

const keyOf = ({ kind, metadata }: Child): string => `${kind}/${metadata.name}`

/**
 * Plays the part of the cluster: every Job completes, every server gets ready, and the hooks are
 * asked again until nothing is new. With `now`, only the first answer counts.
 */
export function livesOf(objects: readonly Parent[], config: Config, now: boolean): readonly Life[] {
  const living: Living[] = objects.map((object) => ({
    parent: placed(object),
    observed: [],
    all: new Map(),
  }))
  for (let round = 0; round < (now ? 1 : longest); round++) {
    const related = relatedOf(living)
    for (const one of living) step(one, related, config)
  }
  return living.map(({ parent, all }) => ({ parent, children: [...all.values()] }))
}

/** As the API server would store it. */
const placed = (object: Parent): Parent => ({
  ...object,
  metadata: { namespace: 'default', generation: 1, ...object.metadata },
})

const relatedOf = (living: readonly Living[]): Group => {
  const group: Record<string, Record<string, Child>> = {}
  for (const { parent } of living) {
    const kind = `${parent.kind}.${apiVersion}`
    group[kind] = {
      ...group[kind],
      [`${parent.metadata.namespace}/${parent.metadata.name}`]: parent as unknown as Child,
    }
  }
  return group
}

function step(one: Living, related: Group, config: Config): void {
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

/** The Pod of a finished Job, with a made-up digest instead of the one that a builder would report. */
const podOf = ({ metadata, spec }: Job, { parent }: Living): Child => ({
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
        state: { terminated: { exitCode: 0, message: `sha256:${hash(metadata.name).repeat(4)}` } },
      },
    ],
  },
})

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
