import type { Json } from '../objects.ts'
import { find, namespace, parents, type Stored, violated, type World } from './world.ts'

/** What is in storage, by place and folder; the place of a claim is its uid. */
export type Contents = Map<string, Content>

interface Content {
  /** Undefined until it is sealed. */
  readonly digest?: string
}

const claimPlace = (world: World, name: string): string =>
  `claim:${find(world, 'PersistentVolumeClaim', name)?.metadata.uid}`

/** Where the volume `artifacts` of a Pod is. */
function placeOf(world: World, pod: Stored): string {
  const volume = pod.spec.volumes?.find(({ name }: Json) => name === 'artifacts')
  const { persistentVolumeClaim: claim, hostPath } = volume ?? {}
  if (claim) return claimPlace(world, claim.claimName)
  return hostPath ? `hostpath://${hostPath.path}` : `pod:${pod.metadata.uid}`
}

/** Where the address of a result leads. */
export function addressed(world: World, url: string): string {
  const [, claim, path] = /^pvc:\/\/([^/]+)\/(.*)$/.exec(url) ?? []
  return claim ? `${claimPlace(world, claim)}/${path}` : url
}

/** The folder in which the program of a Pod works; undefined if it writes no result. */
export function folderOf(world: World, pod: Stored, stage: string): string | undefined {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
  const mounts = containers.find(({ name }: Json) => name === stage)?.volumeMounts ?? []
  const mount = mounts.find(({ mountPath }: Json) => mountPath === '/content/artifacts')
  return mount && `${placeOf(world, pod)}/${mount.subPath}`
}

/** The arguments of the container that seals, if the Pod has one. */
function sealOf(pod: Stored): ((name: string) => readonly string[]) | undefined {
  const args: readonly string[] | undefined = pod.spec.containers
    .map((container: Json) => container.args ?? [])
    .find((words: readonly string[]) => words.some((word) => word.startsWith('--artifacts=')))
  return (
    args &&
    ((name) =>
      args
        .filter((word) => word.startsWith(`--${name}=`))
        .map((word) => word.slice(name.length + 3)))
  )
}

/**
 * A Pod does its work: its program writes, and what seals it removes older results. Returns the exit code:
 * a folder in which nothing was written cannot be sealed.
 */
export function works(world: World, pod: Stored, stage: string, digest: string): number {
  const { contents } = world
  const folder = folderOf(world, pod, stage)
  if (folder) contents.set(folder, {})
  const option = sealOf(pod)
  if (!option) return 0
  const path = option('artifacts')[0]?.replace('/storage/', '') ?? ''
  const place = placeOf(world, pod)
  if (!contents.has(`${place}/${path}`)) return 3
  const to = option('to')[0] ?? place
  contents.set(`${to}/${path}`, { digest })
  removeOlder(world, to, path, option('keep'))
  return 0
}

function removeOlder(world: World, to: string, path: string, keep: readonly string[]): void {
  const { contents } = world
  const siblings = `${to}/${path.split('/')[0]}/`
  const kept = [path, ...keep].map((one) => `${to}/${one}`)
  for (const folder of [...contents.keys()]) {
    if (!folder.startsWith(siblings) || kept.includes(folder)) continue
    contents.delete(folder)
    const user = parents(world).find(
      ({ metadata, status }) => metadata.namespace === namespace && isAt(world, status, folder),
    )
    if (user) violated(`a seal removes the result of "${user.metadata.name}", which is in use`)
  }
}

const isAt = (world: World, status: Json, folder: string): boolean =>
  Boolean(status?.artifacts?.url) && addressed(world, status.artifacts.url) === folder

/** The contents of a claim are deleted with it. */
export function emptied(world: World, { metadata: { uid, ownerReferences } }: Stored): void {
  const { contents, bereft } = world
  const parent = parents(world).find((one) => one.metadata.uid === ownerReferences?.[0]?.uid)
  if (parent) bereft.add(parent.metadata.uid)
  for (const folder of [...contents.keys()])
    if (folder.startsWith(`claim:${uid}/`)) contents.delete(folder)
}
