import type { Parent } from '../../crds/kind.ts'
import type { DeclaredChild } from '../children/childkind.ts'
import type { Workload } from '../children/manifesttypes.ts'
import type { Records } from '../observe/memory.ts'
import type { Observed } from '../observe/observed.ts'
import type { Verdict } from '../observe/verdict.ts'
import type { ResultState, WantedClaim } from '../storage/driver.ts'
import type { Facts } from './read.ts'
import type { Beside, Stage } from './stage.ts'

/** The serving workload of an answer. */
export interface Serving {
  readonly workload: Workload | undefined
  /** Whether it was rendered from the current spec. Otherwise something blocks that, and the former one is retained. */
  readonly isPresent: boolean
}

/** What a kind tells the engine: its stages, and what its status contains beyond the conditions. */
export interface Behaviour<S, T> {
  /** Its children, but for the ResourceClaimTemplate, which every kind can have. */
  readonly children: readonly DeclaredChild[]
  readonly stages: (facts: Facts<S>) => readonly Stage[]
  /** The claims beside the stages. */
  readonly claims: (facts: Facts<S>, result: ResultState) => readonly WantedClaim[]
  /** The children that belong to the serving workload, for kinds that have one. */
  readonly beside?: (parent: Parent<S>, observed: Observed) => Beside
  /** Fields of the status; `done` once every stage is done. */
  readonly status: (
    facts: Facts<S>,
    records: Records,
    done: boolean,
    serving: Serving,
  ) => Partial<T>
  /** What Ready reports when every stage is done. */
  readonly done: (facts: Facts<S>, records: Records) => Verdict
}
