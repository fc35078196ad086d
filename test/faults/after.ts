import type { Shown } from '../cluster/cluster.ts'
import type { History, ReadyChange } from './recorder.ts'

/** What must be true after a fault, each as a function that lists what is not. */

/** An object with its children, in the words of `KIND/NAME`. */
export interface Family {
  readonly what: string
  readonly children: readonly string[]
}

const childKinds =
  'jobs,deployments,statefulsets,services,networkpolicies,persistentvolumeclaims,resourceclaimtemplates'
export const familyKinds = `datasets,models,modelservers,notebooks,${childKinds}`

/** Objects with their children; a child whose owner is gone is an object of its own here. */
export function familiesOf(items: readonly Shown[]): readonly Family[] {
  const nameOf = ({ kind, metadata }: Shown) => `${kind}/${metadata.name}`
  const ownerOf = ({ metadata }: Shown): string | undefined =>
    metadata.ownerReferences?.find(({ controller }: Shown) => controller)?.uid
  const byUid = new Map(items.map((item) => [item.metadata.uid, item]))
  const heads = items.filter((item) => !byUid.has(ownerOf(item) ?? ''))
  return heads.map((head) => ({
    what: nameOf(head),
    children: items
      .filter((item) => ownerOf(item) === head.metadata.uid)
      .map(nameOf)
      .sort(),
  }))
}

/** The children of an object without its own name and hashes, so that those of another can be compared. */
export const shapeOf = ({ what, children }: Family): string => {
  const name = what.split('/')[1] ?? ''
  return children
    .map((child) => child.replace(`/${name}-`, '/NAME-').replace(/-[0-9a-f]{8,16}$/, '-HASH'))
    .join(' ')
}

/** `expected`: the shape of each sort, by what precedes the number in KIND/NAME. */
export function wrongChildren(
  families: readonly Family[],
  accepted: ReadonlySet<string>,
  expected: ReadonlyMap<string, string>,
): readonly string[] {
  const present = new Set(families.map(({ what }) => what))
  return [
    ...[...accepted]
      .filter((what) => !present.has(what))
      .map((what) => `${what} was accepted, and does not exist`),
    ...families
      .filter((family) => shapeOf(family) !== expected.get(sortOf(family.what)))
      .map((family) =>
        expected.has(sortOf(family.what))
          ? `${family.what} has ${shapeOf(family) || 'no children'}`
          : `${family.what} belongs to no object`,
      ),
  ]
}

export const sortOf = (what: string): string => what.replace(/-[0-9]+$/, '')

/** Jobs that did not run exactly once; `created` are the names in the audit log. */
export function notOnce(
  jobs: readonly Shown[],
  pods: readonly Shown[],
  created: readonly string[],
): readonly string[] {
  const byStage = Map.groupBy(jobs, ({ metadata }) => metadata.name.replace(/-[^-]+$/, ''))
  const twice = [...byStage]
    .filter(([, same]) => same.length > 1)
    .map(([stage, same]) => `${stage}: ${same.length} Jobs`)
  const recreated = created.filter((name, index) => created.indexOf(name) !== index)
  const runs = jobs.flatMap(({ metadata: { name, uid } }) => {
    const own = pods.filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid === uid)
    const succeeded = own.filter(({ status }) => status?.phase === 'Succeeded').length
    return succeeded === 1 ? [] : [`${name}: ${succeeded} of ${own.length} Pods succeeded`]
  })
  return [...twice, ...recreated.map((name) => `${name} was created again`), ...runs]
}

/** Changes of Ready back to an earlier state of the same generation, while no Pod of the object changed. */
export function flaps(
  histories: ReadonlyMap<string, History>,
  disturbances: (uid: string) => readonly number[],
): readonly string[] {
  return [...histories].flatMap(([uid, { what, changes }]) =>
    changes.flatMap((change, index) => {
      const left = leftFor(changes.slice(0, index), change)
      if (!left) return []
      const hasCause = disturbances(uid).some((at) => at >= left.at && at <= change.at + 1000)
      return hasCause ? [] : [`${what}: ${shown(left)} → ${shown(change)}`]
    }),
  )
}

/** The earlier state that this change leaves or returns to without reason: True, or the same one before another. */
function leftFor(before: readonly ReadyChange[], change: ReadyChange): ReadyChange | undefined {
  const same = before.filter(({ generation }) => generation === change.generation)
  const last = same.at(-1)
  if (!last || isSameState(last, change)) return undefined
  if (last.status === 'True' && change.status !== 'True') return last
  return same.findLast((earlier) => isSameState(earlier, change))
}

/** Each stage starts with the same reasons. A message about a claim names no stage, and may be of any. */
function isSameState(a: ReadyChange, b: ReadyChange): boolean {
  const [stageA, stageB] = [stageOf(a), stageOf(b)]
  const isSameStage = !stageA || !stageB || stageA === stageB
  return a.status === b.status && a.reason === b.reason && isSameStage
}

/** The stage of the Job or Pod that it names. */
const stageOf = ({ message }: ReadyChange): string | undefined =>
  /"\S+-([a-z]+)-[0-9a-f]{8}\b/.exec(message)?.[1] ??
  /\bjob \S+-([a-z]+)-[0-9a-f]{8}\b/.exec(message)?.[1]

const shown = ({ status, reason, message }: ReadyChange): string =>
  `${status} ${reason}: ${message}`

/** Memory that has grown by more than a fifth. */
export const grown = (before: number, after: number): readonly string[] =>
  after > before * 1.2 ? [`the server uses ${after} MiB, ${before} MiB before`] : []
