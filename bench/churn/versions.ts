import type { KubeConfig } from '@kubernetes/client-node'
import { read } from '../../cluster/exchange.ts'
import { apiVersion } from '../../crds/kind.ts'
import { collectionOf } from '../simulated/creations.ts'
import { bystander, bystanderKinds } from './bystanders.ts'

export interface Metadata {
  readonly name: string
  readonly resourceVersion: string
  readonly labels?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly object[]
}

/** An empty list has no items at all. */
interface List {
  readonly items: readonly { readonly metadata: Metadata }[] | null
}

const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

/** The metadata of the Models of a namespace and of all objects of their children's kinds, by KIND/NAME. */
export async function metadataOf(
  config: KubeConfig,
  namespace: string,
): Promise<ReadonlyMap<string, Metadata>> {
  const kinds = [{ apiVersion, plural: 'models' }, ...bystanderKinds]
  const lists = kinds.map(async ({ apiVersion, plural }) => {
    const path = collectionOf(apiVersion, namespace, plural)
    const { items } = await read<List>(config, path, {}, { accept })
    return (items ?? []).map(({ metadata }) => [`${plural}/${metadata.name}`, metadata] as const)
  })
  return new Map((await Promise.all(lists)).flat())
}

/**
 * How many objects are not as they should be: ours as they were before, with none added, and every
 * bystander there and adopted by nobody.
 */
export function touchedIn(
  before: ReadonlyMap<string, Metadata>,
  now: ReadonlyMap<string, Metadata>,
  bystanders: number,
): number {
  const [theirs, ours] = [[...now.values()].filter(isBystander), [...now].filter(isOurs)]
  const free = theirs.filter(({ ownerReferences = [] }) => ownerReferences.length === 0)
  const isSame = ([key, { resourceVersion }]: Entry) =>
    before.get(key)?.resourceVersion === resourceVersion
  const added = ours.filter(([key]) => !before.has(key))
  const changedOrGone = before.size - ours.filter(isSame).length
  return changedOrGone + added.length + (bystanders - free.length)
}

type Entry = readonly [key: string, metadata: Metadata]

const isOurs = ([, metadata]: Entry): boolean => !isBystander(metadata)

const isBystander = ({ labels }: Metadata): boolean => labels?.[bystander] !== undefined
