import { rerunOf } from '../children/metadata.ts'
import { isFailed } from '../observe/jobstate.ts'
import { identityOf } from '../observe/memory.ts'
import type { Facts } from './read.ts'
import type { Stage, WorkStage } from './stage.ts'

/**
 * The rerun that is in force: the annotation, or, once that was removed, what the first recorded
 * stage answered, so that a half-finished rerun is finished and a finished one not repeated. Before
 * any record, it is what the Job under way answers, which would otherwise be begun anew.
 */
export function rerunInForce(facts: Facts, stages: readonly Stage[]): string | undefined {
  const { parent, memory } = facts
  const working = stages.filter(
    (stage): stage is WorkStage => stage.does === 'work' && !stage.skip(memory.records),
  )
  const recorded = working.find(({ name }) => memory.records[name])
  return (
    rerunOf(parent) ??
    (recorded ? memory.records[recorded.name]?.rerun : underWay(facts, working[0]))
  )
}

const underWay = ({ observed }: Facts, stage: WorkStage | undefined): string | undefined =>
  stage &&
  observed
    .jobs(stage.name)
    .filter((job) => !isFailed(job))
    .map(identityOf)
    .find(({ inputs }) => inputs === stage.hashes(undefined).inputs)?.rerun
