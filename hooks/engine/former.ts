import type { Former } from '../../crds/status.ts'
import type { Records } from '../observe/memory.ts'
import { isPresentPlace } from '../storage/storage.ts'
import type { Facts } from './read.ts'

/** Earlier results, as many as storage.keepResults allows beside the present one. */

/** What the status records about them; a result that is replaced becomes the newest. */
export function formerAfter(facts: Facts, records: Records, isDone: boolean): readonly Former[] {
  const { memory, config } = facts
  const { complete, artifacts } = memory
  const replaced =
    isDone && complete && artifacts?.url ? [{ stages: complete, url: artifacts.url }] : []
  const present = inputsIn(records)
  const others = [...replaced, ...usable(facts)].filter(
    ({ stages }, at, all) =>
      (!isDone || inputsIn(stages) !== present) &&
      inputsIn(stages) !== undefined &&
      all.findIndex((one) => inputsIn(one.stages) === inputsIn(stages)) === at,
  )
  return others.slice(0, config.storage.keepResults - 1)
}

/** Those that a reverted spec may use. Results in a former storage are excluded: nothing preserves them. */
export const usable = ({ parent, memory, config }: Facts): readonly Former[] =>
  memory.former.filter(({ url }) => isPresentPlace(parent, url, config))

const inputsIn = ({ run, load }: Records): string | undefined => (run ?? load)?.inputs
