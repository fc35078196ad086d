import { rerunOf } from '../children/metadata.ts'
import { isFailed } from '../observe/jobstate.ts'
import { identityOf } from '../observe/memory.ts'
import type { Facts } from './read.ts'
import type { Stage, WorkStage } from './stage.ts'

/**
 * The rerun in force is the value of the annotation. Once the annotation is removed, it is the value
 * that the first recorded stage was made for, so that a half-finished rerun is finished and a finished
 * one is not repeated. Before any record, it is the value of the running Job, which would otherwise
 * start again.
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
