import { isDeepStrictEqual } from 'node:util'
import { annotations } from '../../crds/kind.ts'
import type { Condition } from '../../crds/status.ts'
import { causes } from './causes.ts'
import { addressed } from './contents.ts'
import { hasEnded } from './jobcontroller.ts'
import { inputsOf } from './ledger.ts'
import { sync } from './syncs.ts'
import { all, keyOf, parents, type Stored, violated, type World } from './world.ts'

/** What holds after each history. */
export function check(world: World): void {
  expectIdle(world)
  for (const parent of parents(world)) {
    const ready = readyOf(parent)
    const says = `${keyOf(parent)} is ${ready.status} ${ready.reason}: ${ready.message}`
    if (ready.status === 'True') expectTrue(world, parent, ready, says)
    else if (!causes[ready.reason]?.(world, parent)) violated(`${says}, which is not so`)
  }
}

/** Another sync gets the same answer, at any time, and writes nothing. */
function expectIdle(world: World): void {
  world.seconds += 86_400
  for (const parent of parents(world)) {
    const key = keyOf(parent)
    const [before, writes] = [answerIn(world, key), world.writes]
    sync(world, key)
    const now = answerIn(world, key)
    if (now !== before && !isDeepStrictEqual(JSON.parse(now), JSON.parse(before)))
      violated(`${key} is answered ${now}, after ${before}`)
    if (world.writes !== writes) violated(`a sync of ${key} writes, although nothing has changed`)
  }
}

/** Without what Metacontroller adds, and without the time of the next sync, because waits grow. */
const answerIn = ({ answers }: World, key: string): string => {
  const { status, children } = answers.get(key) ?? {}
  return JSON.stringify({ status: { ...(status as object), observedGeneration: 0 }, children })
}

const readyOf = ({ status }: Stored): Condition =>
  status?.conditions?.find(({ type }: Condition) => type === 'Ready') ?? {}

function expectTrue(world: World, parent: Stored, { reason }: Condition, says: string): void {
  const { uid } = parent.metadata
  const pods = [...all(world, 'Pod').values()].filter(
    (pod) => pod.metadata.labels?.['substratus.ai/parent-uid'] === uid && !hasEnded(pod),
  )
  if (reason === 'Suspended' || reason === 'Idle') {
    if (pods.length) violated(`${says}, but Pod "${pods[0]?.metadata.name}" runs`)
    if (reason === 'Idle') {
      expectUnopened(parent, says)
      expectUnwoken(world, parent, says)
    }
    return
  }
  if (parent.kind === 'Model' || parent.kind === 'Dataset') expectResult(world, parent, says)
  else if (!pods.some((pod) => pod.status.phase === 'Running')) violated(`${says}, but no Pod runs`)
}

/** No wake is swallowed: whatever was opened after its watch ended is awake. */
function expectUnopened({ metadata, status }: Stored, says: string): void {
  const opened = Date.parse(metadata.annotations?.['substratus.ai/opened'] ?? '')
  if (opened >= Date.parse(status.idle.since)) violated(`${says}, but it was opened since`)
}

/** No waking is undone: only the watch of another Pod stops what was woken. */
function expectUnwoken({ woken }: World, { status: { idle } }: Stored, says: string): void {
  if (woken.has(idle.container)) violated(`${says}, but it was woken since`)
}

/** A result matches the spec and the rerun, and it is stored. */
function expectResult(world: World, parent: Stored, says: string): void {
  const { stages = {}, artifacts } = parent.status
  const program = parent.kind === 'Model' ? 'run' : 'load'
  const { source } = parent.spec
  const isWork =
    parent.kind === 'Dataset' ||
    source ||
    parent.spec.params ||
    parent.spec.model ||
    parent.spec.dataset
  if (!isWork || source?.startsWith('pvc://')) return
  const { job, rerun } = stages[program] ?? {}
  const work = world.works.findLast((one) => one.job === job && one.object === parent.metadata.uid)
  if (!work?.isDone) violated(`${says}, but Job "${job}" did not succeed`)
  if (work?.inputs !== inputsOf(parent, program))
    violated(`${says}, but Job "${job}" did other work`)
  const asked = parent.metadata.annotations?.[annotations.rerun]
  if (asked !== undefined && asked !== rerun)
    violated(`${says}, but the rerun "${asked}" was ignored`)
  if (!world.contents.get(addressed(world, artifacts.url))?.digest)
    violated(`${says}, but nothing sealed is at ${artifacts.url}`)
}
