import type { StageRecord } from '../../crds/status.ts'
import type { Job, Pod } from '../children/manifesttypes.ts'
import { podsOf } from '../observe/diagnosis.ts'
import { loaderReportOf, type Report, reportOf } from '../observe/jobreport.ts'
import { isFailed } from '../observe/jobstate.ts'
import { hasEnded } from '../observe/observed.ts'
import { final, no } from '../observe/verdict.ts'
import { driverOfJob, storageFor } from '../storage/storage.ts'
import { identityByName, type Success, successOf } from './buckets.ts'
import { done } from './done.ts'
import type { WorkFate } from './fate.ts'
import { folderWritten } from './folder.ts'
import { currentJob, fated, type Look } from './look.ts'
import { retainedJob } from './retained.ts'
import type { RecordKey } from './stage.ts'
import { recordedUpstream } from './upstream.ts'

/**
 * Decides about a complete Job. Its Pod, which has the report, may be observed later than the Job, so
 * one more sync looks for it. A load or a run counts as complete without the report. An image is
 * identified only by its digest, because anyone with the same push credentials can move its tag: if the
 * digest is lost, the image is built again.
 */
export function succeeded(look: Look): WorkFate | undefined {
  const { facts, stage, buckets } = look
  const { success } = buckets
  if (!success) return undefined
  const { name } = success.job.metadata
  const pods = facts.observed.pods(stage.name)
  if (success.isSealedApart) return written(look, success, loaderReportOf(success.job, pods))
  const wasLookedFor = facts.memory.finishing === name
  const report = reportOf(success.job, pods)
  if (report || (wasLookedFor && !stage.needsDigest))
    return done(look, recordOf(look, success, report ?? {}), stage.keys.at(-1) as RecordKey)
  const own = podsOf(success.job, pods)
  const isOver = own.every(hasEnded)
  if (!wasLookedFor || !facts.observed.knowsPods || !isOver) return finishing(look, success)
  return own.length ? withoutDigest(look, name) : digestLost(look, name)
}

/** The driver may have changed since the Job was created: the result is where the Job has put it. */
function recordOf(
  { facts, stage, records }: Look,
  { job, identity }: Success,
  report: Report,
): StageRecord {
  const { inputs = '', rerun } = identity
  // Every version looks for the artifacts in the folder of this name.
  const attempt = folderWritten(stage, job, identity)
  const upstream = recordedUpstream(job, stage.needs)
  const storage = stage.folder && driverOfJob(facts.parent, job)
  const record = {
    job: job.metadata.name,
    inputs,
    attempt,
    ...(rerun && { rerun }),
    ...(Object.keys(upstream).length && { upstream }),
    ...(storage && { storage }),
  }
  return { ...record, ...stage.result(report, record, records) }
}

/** A Job whose storage is not in the configuration remains, so that nothing runs again if it returns there. */
function written(look: Look, success: Success, report: Report): WorkFate {
  const record = writtenRecordOf(look, success, report)
  const verdict = look.stage.lost?.(record)
  const { job } = success
  if (verdict) return fated(look, { is: 'lost' }, verdict, [retainedJob(job, look.facts)])
  const wasLookedFor = look.facts.memory.finishing === job.metadata.name
  return wasLookedFor || !lacksNode(look, job)
    ? done(look, record, 'written')
    : finishing(look, success)
}

/** Whether only the Pod of a Job, which is not observed, knows the node whose disk has the result. */
const lacksNode = ({ facts: { parent, config, observed }, stage }: Look, job: Job): boolean =>
  storageFor({ storage: driverOfJob(parent, job) }, config).isOnNode === true &&
  podsOf(job, observed.pods(stage.name)).length === 0

/** What was written is sealed, if possible, on the node that wrote it. */
function writtenRecordOf(look: Look, success: Success, report: Report): StageRecord {
  const [pod] = podsOf(success.job, look.facts.observed.pods(look.stage.name))
  const node = pod?.spec?.nodeName
  return { ...recordOf(look, success, report), ...(node && { node }) }
}

/**
 * Up to 0.1.0 every Job sealed its own result. If the program of such a Job succeeded, and sealing what it
 * had written to a volume failed, the result only needs to be sealed.
 */
export function sealFailed(look: Look): WorkFate | undefined {
  const { facts, stage, rerun, buckets } = look
  const { current } = buckets
  if (stage.keys.length === 1 || !current || !isFailed(current)) return undefined
  const [last] = podsOf(current, facts.observed.pods(stage.name))
  if (!last || !hasSucceeded(last, stage.name) || losesArtifacts(current)) return undefined
  const success = successOf(current, identityByName(stage.hashes(rerun), rerun))
  return written(look, success, {})
}

const hasSucceeded = ({ status }: Pod, program: string): boolean =>
  (status?.initContainerStatuses ?? []).some(
    ({ name, state }) => name === program && state?.terminated?.exitCode === 0,
  )

/** Whether what a Job has written is deleted with its Pod. */
const losesArtifacts = ({ spec }: Job): boolean =>
  (spec?.template?.spec?.volumes ?? []).some(
    ({ name, emptyDir }) => name === 'artifacts' && emptyDir !== undefined,
  )

function finishing(look: Look, { job }: Success): WorkFate {
  const { name } = job.metadata
  return fated(
    look,
    { is: 'finishing', finishing: name },
    no('Finishing', `Job "${name}" is complete: reading its report`),
    [retainedJob(job, look.facts)],
  )
}

const withoutDigest = (look: Look, name: string): WorkFate =>
  fated(
    look,
    { is: 'failed', finishing: name },
    final(
      no(
        'Failed',
        `Job "${name}" is complete but reported no digest: is images.builder from another release? kubectl delete job ${name} builds again`,
      ),
    ),
    currentJob(look),
  )

const digestLost = (look: Look, name: string): WorkFate =>
  fated(
    look,
    { is: 'replaced', finishing: name },
    no('Pending', `removing Job "${name}", whose digest was lost with its Pod, to build again`),
  )
