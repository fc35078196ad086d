import type { Former } from '../../crds/status.ts'
import type { Records } from '../observe/memory.ts'
import { isPresentPlace, lostPlace } from '../storage/storage.ts'
import type { Facts } from './read.ts'

/** Earlier results, as many as storage.keepResults allows beside the present one. */

/** What the status records about them; a result that is replaced becomes the newest. */
export function formerAfter(facts: Facts, records: Records, isDone: boolean): readonly Former[] {
  const { memory, config } = facts
  const { complete, artifacts } = memory
  const replaced =
    isDone && complete && artifacts?.url && !isLost(facts, complete)
      ? [{ stages: complete, url: artifacts.url }]
      : []
  const present = inputsIn(records)
  const others = [...replaced, ...usable(facts)].filter(
    ({ stages }, at, all) =>
      (!isDone || inputsIn(stages) !== present) &&
      inputsIn(stages) !== undefined &&
      all.findIndex((one) => inputsIn(one.stages) === inputsIn(stages)) === at,
  )
  return others.slice(0, config.storage.keepResults - 1)
}

/**
 * Those that a reverted spec may use. Results in a former storage are excluded, because nothing preserves
 * them, and those that were lost with their claim.
 */
export const usable = (facts: Facts): readonly Former[] =>
  facts.memory.former.filter(
    ({ url, stages }) => isPresentPlace(facts.parent, url, facts.config) && !isLost(facts, stages),
  )

const isLost = (facts: Facts, { run, load }: Records): boolean => {
  const [stage, record] = run ? (['run', run] as const) : (['load', load] as const)
  return record !== undefined && lostPlace(facts, stage, record) !== undefined
}

const inputsIn = ({ run, load }: Records): string | undefined => (run ?? load)?.inputs
