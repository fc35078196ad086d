import { kindNamed } from '../../crds/kinds.ts'
import type { Json } from '../objects.ts'
import { all, find, ownedIn, type Stored, type World } from './world.ts'

/** What Ready=False reports must be true in the cluster. */

type Cause = (world: World, parent: Stored) => boolean

const jobsOf = (world: World, { metadata: { uid } }: Stored): readonly Stored[] =>
  ownedIn(all(world, 'Job'), uid)

const failedFor =
  (...reasons: readonly string[]): Cause =>
  (world, parent) =>
    jobsOf(world, parent).some(({ status }) =>
      status?.conditions?.some(
        ({ type, reason }: Json) =>
          type === 'Failed' && (!reasons.length || reasons.includes(reason)),
      ),
    )

/** The objects that a spec names. */
const referencesOf = (world: World, { kind, spec }: Stored): readonly (Stored | undefined)[] =>
  kindNamed(kind as Json).references.flatMap(({ field, kind: other }) =>
    spec[field] ? [find(world, other, spec[field].name)] : [],
  )

const isMissing: Cause = (world, parent) => referencesOf(world, parent).includes(undefined)

const isUnscheduled: Cause = (world, { metadata: { uid } }) =>
  [...all(world, 'Pod').values()].some(
    ({ metadata: { labels }, status }) =>
      labels?.['substratus.ai/parent-uid'] === uid &&
      status.conditions?.some(({ type }: Json) => type === 'PodScheduled'),
  )

/** For each reason: what must be true if Ready is False in the end, when every Pod has done its work. */
export const causes: Readonly<Record<string, Cause>> = {
  Failed: (world, parent) => failedFor()(world, parent) || isDisrupted(world, parent),
  OOMKilled: failedFor('BackoffLimitExceeded'),
  DeadlineExceeded: failedFor('DeadlineExceeded'),
  Pending: isUnscheduled,
  Unschedulable: isUnscheduled,
  ReferenceMissing: isMissing,
  Waiting: (world, parent) =>
    referencesOf(world, parent).some((object) => object && !isOffered(object)) ||
    world.isReconfigured,
  InvalidSpec: (world, { spec }) =>
    !Object.hasOwn(world.config.gpus.profiles, spec.resources?.gpu?.type ?? 'none') ||
    Boolean(spec.model),
  ChildMissing: (world, { metadata: { uid } }) => world.bereft.has(uid),
  StorageUnknown: ({ isReconfigured }) => isReconfigured,
}

const isDisrupted: Cause = (_, { status, spec }) =>
  (status?.disruptions?.count ?? 0) > (spec.runPolicy?.maxDisruptions ?? 10)

/** A result in a claim of the user is offered only while the spec names it: anybody could forge a status. */
const isOffered = ({ status, spec }: Stored): boolean => {
  const { id, url } = status?.artifacts ?? {}
  return id !== undefined && (!url?.startsWith('pvc://given') || url === spec.source)
}
