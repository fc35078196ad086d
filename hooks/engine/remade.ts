import { alike, hash } from '../../crds/names.ts'
import type { PodFields } from '../../crds/podtemplate.ts'
import type { Job } from '../children/manifesttypes.ts'
import { jobAnnotations } from '../children/metadata.ts'
import { hasStarted, podsOf } from '../observe/diagnosis.ts'
import { isFailed } from '../observe/jobstate.ts'
import { no } from '../observe/verdict.ts'
import { intactTemplate } from '../observe/workload.ts'
import { withoutReporting } from '../progress/variables.ts'
import type { WorkFate } from './fate.ts'
import { sharesFolder } from './folder.ts'
import { fated, type Look, wantedTemplate } from './look.ts'
import type { Facts } from './read.ts'
import type { WorkStage } from './stage.ts'

/**
 * The template of a Job is immutable, and spec.pod is in no hash. So a Job whose template changes is
 * re-created if nothing is lost by that: it failed, or its program never started.
 */
export function remade(look: Look): WorkFate | undefined {
  const { current, name } = look.buckets
  const isWaiting = look.stage.needs.some(({ state }) => state === 'waiting')
  if (!current || isWaiting || !isOutdated(look, current)) return undefined
  const message = `removing Job "${name}", whose Pod template has changed, to create it anew`
  return fated(look, { is: 'replaced' }, no('Pending', message))
}

/**
 * Failed work is repeated only when the object itself changes: otherwise an upgrade or a change of the
 * configuration would run every failed training in the cluster again. A queued Job keeps its place.
 */
function isOutdated(look: Look, job: Job): boolean {
  const { facts, stage, rerun } = look
  const isChanged = job.metadata.annotations?.[jobAnnotations.pod] !== podHash(facts, stage)
  if (isFailed(job) || job.spec?.suspend === true) return isChanged
  // An evicted Pod may be gone without being counted, so the program may have run. With 0.1.0 its
  // checkpoints are in a folder of its own.
  const keepsWork = isChanged || sharesFolder(stage, job, rerun)
  return keepsWork && isUnstarted(look, job) && hasOtherTemplate(look, job)
}

function isUnstarted({ facts: { observed }, stage }: Look, job: Job): boolean {
  const { active = 0, failed = 0, succeeded = 0 } = job.status ?? {}
  const own = podsOf(job, observed.pods(stage.name))
  // A Pod that counts as active may not be observed yet.
  const isKnown = observed.knowsPods && (active === 0 || own.length > 0)
  return isKnown && failed + succeeded === 0 && !own.some((pod) => hasStarted(pod, stage.name))
}

/**
 * A Job whose template is not known for sure is left alone: it would be re-created for ever. The address to
 * report to does not count, because replicas of the server may have different keys for a while.
 */
function hasOtherTemplate(look: Look, job: Job): boolean {
  const template = intactTemplate(job)
  return (
    template !== undefined &&
    !alike(withoutReporting(template), withoutReporting(wantedTemplate(look)))
  )
}

/** What the Pod of a stage takes from spec.pod, as a hash; undefined if that is nothing. */
export function podHash({ parent }: Facts, { isUsers }: WorkStage): string | undefined {
  const { pod } = parent.spec as { readonly pod?: PodFields }
  const part = isUsers ? pod : pod?.annotations
  return part && Object.keys(part).length ? hash(part) : undefined
}
