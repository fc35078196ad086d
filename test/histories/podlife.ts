import { hash } from '../../crds/names.ts'
import type { Json } from '../objects.ts'
import { folderOf, works } from './contents.ts'
import { discard, disrupted } from './controllers.ts'
import { hasEnded } from './jobcontroller.ts'
import { stageOf } from './ledger.ts'
import { all, find, parents, put, type Stored, timeIn, violated, type World } from './world.ts'

/** What can happen to a Pod. */
export type PodEvent =
  | 'is unschedulable'
  | 'runs'
  | 'succeeds'
  | 'fails'
  | 'is killed for its memory'
  | 'is evicted'
  | 'is lost with its node'
  | 'is idle'

export const living = (world: World): readonly Stored[] =>
  [...all(world, 'Pod').values()].filter((pod) => !hasEnded(pod) && !pod.metadata.deletionTimestamp)

export function happens(world: World, pod: Stored, event: PodEvent): void {
  events[event](world, pod, event)
}

const events: Readonly<Record<PodEvent, (world: World, pod: Stored, event: PodEvent) => void>> = {
  'is unschedulable': (world, pod) => {
    if (!pod.spec.nodeName) unscheduled(world, pod, '0/1 nodes are available')
  },
  'is evicted': (world, pod) => put(world, { ...pod, status: disrupted('Evicted') }),
  'is lost with its node': discard,
  'is idle': idle,
  runs: starts,
  succeeds: starts,
  fails: starts,
  'is killed for its memory': starts,
}

/** A Pod starts if its claims exist. The Pod of a Job may also end, and a server may crash. */
function starts(world: World, pod: Stored, event: PodEvent): void {
  const missing = missingClaim(world, pod)
  if (missing) {
    unscheduled(world, pod, missing)
    return
  }
  expectAlone(world, pod)
  const scheduled = pod.spec.nodeName ? pod : { ...pod, spec: { ...pod.spec, nodeName: 'one' } }
  const isAnswering = event === 'runs' || event === 'succeeds'
  if (event !== 'runs' && !isServer(pod)) ends(world, scheduled, event)
  else
    put(world, {
      ...scheduled,
      status: isAnswering ? running(world, scheduled) : crashing(scheduled),
    })
}

/** Two programs in one folder would destroy each other's files. */
function expectAlone(world: World, pod: Stored): void {
  const folder = folderOf(world, pod, stageOf(pod))
  if (!folder || world.isDoubtful) return
  const other = [...all(world, 'Pod').values()].find(
    (one) => one !== pod && !hasEnded(one) && folderOf(world, one, stageOf(one)) === folder,
  )
  if (other?.spec.nodeName)
    violated(`Pods "${pod.metadata.name}" and "${other.metadata.name}" write to ${folder}`)
}

export const isServer = (pod: Stored): boolean => stageOf(pod) === 'serve'

function unscheduled(world: World, pod: Stored, message: string): void {
  if (pod.status.conditions?.[0]?.message === message) return
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }]
  put(world, { ...pod, status: { phase: 'Pending', conditions } })
}

/** Why no node can run a Pod: one of its claims does not exist or is being deleted. */
function missingClaim(world: World, { spec }: Stored): string | undefined {
  if (spec.nodeName) return undefined
  for (const { persistentVolumeClaim } of spec.volumes ?? []) {
    const { claimName } = persistentVolumeClaim ?? { claimName: 'given' }
    const claim = find(world, 'PersistentVolumeClaim', claimName)
    if (claim?.metadata.deletionTimestamp)
      return `persistentvolumeclaim "${claimName}" is being deleted`
    if (!claim && claimName !== 'given') return `persistentvolumeclaim "${claimName}" not found`
  }
  return undefined
}

const containersOf = ({ spec }: Stored): readonly Json[] => spec.containers

/** A container that has ended is restarted, and remembers how it ended. */
const running = (world: World, pod: Stored): Json => ({
  phase: 'Running',
  conditions: [
    readyIn(pod) ?? { type: 'Ready', status: 'True', lastTransitionTime: timeIn(world) },
  ],
  containerStatuses: containersOf(pod).map(({ name }) => {
    const before = pod.status.containerStatuses?.find((one: Json) => one.name === name)
    const { terminated } = before?.state ?? {}
    const lastState = terminated ? { terminated } : before?.lastState
    return { name, ready: true, state: { running: {} }, ...(lastState && { lastState }) }
  }),
})

const readyIn = ({ status }: Stored): Json =>
  status.conditions?.find(({ type }: Json) => type === 'Ready')

const crashing = (pod: Stored): Json => ({
  phase: 'Running',
  containerStatuses: containersOf(pod).map(({ name }) => ({
    name,
    ready: false,
    restartCount: 1,
    state: { running: {} },
    lastState: { terminated: { exitCode: 1, message: 'no kernel image' } },
  })),
})

function idle(world: World, pod: Stored): void {
  const statuses = pod.status?.containerStatuses ?? []
  if (!statuses.some(({ name }: Json) => name === 'idle')) return
  const ended = {
    exitCode: 0,
    message: 'idle',
    containerID: `containerd://${pod.metadata.uid}`,
    finishedAt: timeIn(world),
  }
  put(world, {
    ...pod,
    status: {
      ...pod.status,
      containerStatuses: statuses.map((one: Json) =>
        one.name === 'idle' ? { ...one, ready: false, state: { terminated: ended } } : one,
      ),
    },
  })
}

const exitCodes: Readonly<Record<string, number>> = {
  succeeds: 0,
  fails: 1,
  'is killed for its memory': 137,
}

/** The Pod of a Job ends. No watch lags for as long as a program takes. */
function ends(world: World, pod: Stored, event: PodEvent): void {
  catchUp(world)
  expectWanted(world, pod)
  const stage = stageOf(pod)
  const digest = `sha256:${hash(pod.metadata.uid).repeat(4)}`
  const wanted = exitCodes[event] ?? 1
  const exitCode = wanted === 0 ? works(world, pod, stage, digest) : wanted
  const message = exitCode === 0 ? JSON.stringify({ digest, bytes: 5 }) : 'no luck'
  const reason = exitCode === 137 ? { reason: 'OOMKilled' } : {}
  put(world, {
    ...pod,
    status: {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      containerStatuses: containersOf(pod).map(({ name }) => ({
        name,
        state: { terminated: { exitCode, message, ...reason } },
      })),
    },
  })
}

/** Once the hooks have answered that an object is suspended, its Jobs are suspended, too. */
function expectWanted(world: World, { metadata: { name, ownerReferences } }: Stored): void {
  if (world.isDoubtful) return
  const ownerOf = (uid: string | undefined, among: readonly Stored[]) =>
    among.find(({ metadata }) => metadata.uid === uid)
  const job = ownerOf(ownerReferences?.[0]?.uid, [...all(world, 'Job').values()])
  const parent = ownerOf(job?.metadata.ownerReferences?.[0]?.uid, parents(world))
  const isAnswered = parent?.status?.observedGeneration === parent?.metadata.generation
  if (parent?.spec.suspend && isAnswered && !job?.spec.suspend)
    violated(`Pod "${name}" works, although "${parent.metadata.name}" is suspended`)
}

/** Watches that lag have seen what happened until now. */
export function catchUp(world: World): void {
  for (const kind of world.lagging.keys()) world.lagging.set(kind, all(world, kind))
}
