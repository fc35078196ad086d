import type { StageRecord } from '../../crds/status.ts'
import type { Job } from '../children/manifesttypes.ts'
import { rerunOf } from '../children/metadata.ts'
import { isFailed } from '../observe/jobstate.ts'
import { identityOf, isMadeFor, type Memory } from '../observe/memory.ts'
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
  const recorded = working.map((stage) => newestRecord(memory, stage)).find(Boolean)
  return rerunOf(parent) ?? (recorded ? recorded.rerun : underWay(facts, working[0]))
}

/** An unsealed result of other inputs says nothing about the current ones. */
const newestRecord = ({ records }: Memory, { keys, hashes }: WorkStage): StageRecord | undefined =>
  keys
    .filter((key) => key !== 'written' || records[key]?.inputs === hashes(undefined).inputs)
    .map((key) => records[key])
    .find(Boolean)

function underWay({ observed }: Facts, stage: WorkStage | undefined): string | undefined {
  if (!stage) return undefined
  const isUnderWay = (job: Job) =>
    !isFailed(job) && isMadeFor(job, stage.hashes(undefined).inputs, undefined)
  const job = observed.jobs(stage.name).find(isUnderWay)
  return job && identityOf(job).rerun
}
