import fc from 'fast-check'
import type { Action } from './actions.ts'
import type { ConfigurationName, Name } from './cast.ts'
import { configuration, histories } from './generated.ts'
import { replay } from './replay.ts'

/**
 * `HISTORIES=200000 HISTORIES_SEED=7 npm run test:histories` tries others than continuous integration, in
 * which the same are replayed each time.
 */
const { HISTORIES, HISTORIES_SEED } = process.env
const numRuns = Number(HISTORIES ?? 10_000) / 2
const seed = Number(HISTORIES_SEED ?? 1)

/** Replays half of all histories, about these objects. */
export function replayAbout(about: readonly Name[]): void {
  const holds = fc.property(histories(about), configuration, (actions, config) => {
    replay(actions, config)
  })
  const { failed, counterexample, errorInstance } = fc.check(holds, { numRuns, seed })
  if (failed && counterexample)
    throw new Error(`${String(errorInstance)}\n\n${asTest(...counterexample)}\n(seed ${seed})`)
}

/** A line for the list of found.test.ts. */
export const asTest = (actions: readonly Action[], config: ConfigurationName): string =>
  `{\n  what: '…',\n  config: '${config}',\n  history: [\n${actions.map((one) => `    ${JSON.stringify(one)},\n`).join('')}  ],\n},`
