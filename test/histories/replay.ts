import { type Action, configOf, perform, relist } from './actions.ts'
import type { ConfigurationName } from './cast.ts'
import { check } from './invariants.ts'
import { settle } from './settle.ts'
import { type World, worldOf } from './world.ts'

/**
 * Replays a history against a cluster in memory. In the end all faults stop, and everything settles; then
 * the invariants must hold. Throws if one does not.
 */
export function replay(
  actions: readonly Action[],
  configuration: ConfigurationName = 'standard',
): World {
  const world = worldOf(configOf(configuration))
  for (const action of actions) perform(world, action)
  relist(world)
  settle(world)
  check(world)
  return world
}
