import { controllers } from './controllers.ts'
import { happens, isServer, living } from './podlife.ts'
import { sync } from './syncs.ts'
import { violated, type World } from './world.ts'

/** Everything works for a round: what is queued is synced, and every Pod does its work. */
export function calm(world: World): void {
  world.seconds++
  due(world)
  for (const key of [...world.queue].sort()) sync(world, key)
  controllers(world)
  for (const pod of living(world))
    if (
      !isServer(pod) ||
      !pod.status?.containerStatuses?.every(({ ready }: { ready: boolean }) => ready)
    )
      happens(world, pod, 'succeeds')
  controllers(world)
}

/** Queues the parents whose resync is due. */
function due({ timers, seconds, queue }: World): void {
  for (const [key, time] of timers) {
    if (time > seconds) continue
    timers.delete(key)
    queue.add(key)
  }
}

const mostRounds = 60

/** Longer than a child may be on its way before a condition says what it waits for. */
const patienceSeconds = 90

/**
 * Until nothing happens any more: no write, no Pod, nothing in the queue, and nothing changes either when
 * Metacontroller asks again at the time that the answers name.
 */
export function settle(world: World): void {
  let quiet = 0
  for (let round = 0; round < mostRounds; round++) {
    const before = world.writes
    calm(world)
    if (world.writes > before || world.queue.size) quiet = 0
    else if (++quiet > 1 || !world.timers.size) return
    else world.seconds = Math.max(world.seconds + patienceSeconds, ...world.timers.values())
  }
  violated(`nothing settles in ${mostRounds} rounds`)
}
