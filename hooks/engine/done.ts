import type { StageRecord } from '../../crds/status.ts'
import { answers } from '../observe/memory.ts'
import { yes } from '../observe/verdict.ts'
import type { WorkFate } from './fate.ts'
import { usable } from './former.ts'
import { fated, type Look, type Policy } from './look.ts'
import { retainedJob } from './retained.ts'
import { changedUpstream } from './upstream.ts'

/**
 * A recorded stage never runs again, not even when the spec returns to the inputs of the last complete
 * result, or of a former one that is still stored.
 */
function recordFor({ facts, stage, records, rerun }: Look): StageRecord | undefined {
  const former = usable(facts).map(({ stages }) => stages)
  return [records, facts.memory.complete, ...former]
    .map((of) => of?.[stage.name])
    .find((record) => record && answers(record, stage.hashes(rerun).inputs, rerun))
}

export const lost: Policy = (look) => {
  const record = recordFor(look)
  const verdict = record && look.stage.lost?.(record)
  return verdict && fated(look, { is: 'lost' }, verdict)
}

export const recorded: Policy = (look) => {
  const record = recordFor(look)
  return record && done(look, record)
}

export function done(look: Look, record: StageRecord): WorkFate {
  const { facts, stage } = look
  const job = facts.observed.child('Job', record.job)
  const result = record.image ?? record.digest ?? record.job
  return fated(
    look,
    { is: 'done', record, stale: changedUpstream(record, stage.needs) },
    yes('Done', record.commit ? `${result}, commit ${record.commit}` : result),
    job ? [retainedJob(job, facts)] : [],
  )
}
