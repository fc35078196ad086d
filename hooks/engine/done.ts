import type { StageRecord } from '../../crds/status.ts'
import { answers } from '../observe/memory.ts'
import { yes } from '../observe/verdict.ts'
import type { WorkFate } from './fate.ts'
import { usable } from './former.ts'
import { fated, jobIn, type Look, type Policy } from './look.ts'
import { retainedJob } from './retained.ts'
import type { RecordKey } from './stage.ts'
import { changedUpstream } from './upstream.ts'

/**
 * A recorded stage never runs again, not even when the spec returns to the inputs of the last complete
 * result, or of a former one that is still stored.
 */
function recordFor({ facts, stage, records, rerun }: Look): Recorded | undefined {
  const { inputs } = stage.hashes(rerun)
  const sealed = stage.keys.at(-1) as RecordKey
  const former = usable(facts).map(({ stages }) => stages)
  const results = [records, facts.memory.complete, ...former].map(
    (of) => [sealed, of?.[sealed]] as const,
  )
  const all = [...results, ...stage.keys.map((key) => [key, records[key]] as const)]
  for (const [key, record] of all)
    if (record && answers(record, inputs, rerun)) return { key, record }
  return undefined
}

interface Recorded {
  readonly key: RecordKey
  readonly record: StageRecord
}

export const lost: Policy = (look) => {
  const found = recordFor(look)
  const verdict = found && look.stage.lost?.(found.record)
  return verdict && fated(look, { is: 'lost' }, verdict)
}

export const recorded: Policy = (look) => {
  const found = recordFor(look)
  return found && done(look, found.record, found.key)
}

export function done(look: Look, record: StageRecord, key: RecordKey): WorkFate {
  const { facts, stage } = look
  const job = facts.observed.child('Job', jobIn(record, stage) ?? '')
  const result = record.image ?? record.digest ?? record.job
  return fated(
    look,
    { is: 'done', record, key, stale: changedUpstream(record, stage.needs) },
    yes('Done', record.commit ? `${result}, commit ${record.commit}` : result),
    job ? [retainedJob(job, facts)] : [],
  )
}
