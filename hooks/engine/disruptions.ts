import type { Disruptions } from '../../crds/status.ts'
import type { Job } from '../children/manifesttypes.ts'
import { queueOf } from '../children/metadata.ts'
import { podsOf } from '../observe/diagnosis.ts'
import { isStopped } from '../observe/jobstate.ts'
import type { Memory } from '../observe/memory.ts'
import type { ObservedPod } from '../observe/observed.ts'
import { mostDisruptions } from '../observe/spec.ts'
import { final, no } from '../observe/verdict.ts'
import type { WorkFate } from './fate.ts'
import { currentJob, fated, type Look } from './look.ts'

/**
 * How often a Job lost its Pod to the cluster: to an eviction, a preemption or a reclaimed node. Kubernetes
 * does not count these as failures, and the Pods may be gone at the next sync, so each new Pod of a Job
 * that has counted no failure in the meantime counts as one. A missed Pod makes the count too low, never
 * too high. Another replica may still see only an older Pod, which does not count.
 */
function disruptionsOf(
  { disruptions: before }: Memory,
  job: Job,
  pods: readonly ObservedPod[],
): Disruptions | undefined {
  const { name } = job.metadata
  const { failed = 0 } = job.status ?? {}
  const known: Disruptions = before?.job === name ? before : { job: name }
  const { uid: newest, creationTimestamp: since } = podsOf(job, pods)[0]?.metadata ?? {}
  // A suspended Job loses its Pod on purpose.
  if (isStopped(job)) return known.count ? { job: name, count: known.count } : undefined
  const isOlder = known.since !== undefined && since !== undefined && since < known.since
  if (!newest || newest === known.pod || isOlder)
    return known.pod || known.count ? known : undefined
  const isNext = known.pod !== undefined && failed === (known.failed ?? 0)
  const count = (known.count ?? 0) + (isNext ? 1 : 0)
  return {
    job: name,
    pod: newest,
    ...(since && { since }),
    ...(failed && { failed }),
    ...(count && { count }),
  }
}

/**
 * A Job that the cluster interrupts again and again would never end, and never fail. Jobs in a queue are
 * exempt: Kueue resumes a Job that it has admitted, and has limits of its own.
 */
export function disrupted(look: Look): WorkFate | undefined {
  const { current, name } = look.buckets
  const { disruptions } = disruptionsIn(look)
  const { count = 0 } = disruptions ?? {}
  const maxDisruptions = mostDisruptions(look.facts.parent)
  if (!current || queueOf(current) !== undefined || count <= maxDisruptions) return undefined
  const message = `Job "${name}" lost its Pod ${times(count)} to evictions, preemptions or reclaimed nodes, and spec.runPolicy.maxDisruptions is ${maxDisruptions}: a higher value lets it continue`
  return fated(
    look,
    { is: 'failed', disruptions },
    final(no('Failed', message)),
    currentJob(look, true),
  )
}

export function disruptionsIn({
  facts,
  stage,
  buckets: { current },
}: Look): Pick<WorkFate, 'disruptions'> {
  const found =
    current && stage.isUsers
      ? disruptionsOf(facts.memory, current, facts.observed.pods(stage.name))
      : undefined
  return found ? { disruptions: found } : {}
}

export const times = (count: number): string => (count === 1 ? 'once' : `${count} times`)
