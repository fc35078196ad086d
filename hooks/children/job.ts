import type { RunPolicy } from '../../crds/common.ts'
import type { Parent } from '../../crds/kind.ts'
import { canonical } from '../../crds/names.ts'
import type { ChildKind } from './childkind.ts'
import type { Job, PodTemplate } from './manifesttypes.ts'
import { jobAnnotations, jobName, labelsOf, queueLabel } from './metadata.ts'

export const jobs: ChildKind = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  resource: 'jobs',
}

export interface JobIdentity {
  readonly stage: string
  readonly inputs: string
  readonly attempt: string
  /** The hash that ends its name. */
  readonly suffix: string
  readonly rerun: string | undefined
  readonly upstream: Readonly<Record<string, string>>
  /** A hash of what its Pod takes from spec.pod. */
  readonly pod: string | undefined
  /** The queue to use instead of the object's, in which this Job must not wait. */
  readonly queue: string | undefined
}

export interface JobPolicy extends Pick<RunPolicy, 'activeDeadlineSeconds'> {
  readonly backoffLimit: number
  /** A container, and the exit code after which no retry would help. */
  readonly final?: { readonly container: string; readonly exitCode: number }
}

/**
 * One Pod at a time, and no second one while the first is terminating: two trainings would write to
 * the same place. An evicted or preempted Pod does not count as a failure.
 *
 * A new Job has no ttlSecondsAfterFinished. It gets one when its record is in the parent's status:
 * otherwise a finished Job could be deleted before anybody has read it.
 */
export const job = (
  parent: Parent,
  { stage, inputs, attempt, suffix, rerun, upstream, pod, queue }: JobIdentity,
  { backoffLimit, activeDeadlineSeconds, final }: JobPolicy,
  template: PodTemplate,
): Job => ({
  apiVersion: jobs.apiVersion,
  kind: jobs.kind,
  metadata: {
    name: jobName(parent, stage, suffix),
    labels: { ...labelsOf(parent, stage), ...(queue && { [queueLabel]: queue }) },
    annotations: {
      [jobAnnotations.inputs]: inputs,
      [jobAnnotations.attempt]: attempt,
      ...(rerun && { [jobAnnotations.rerun]: rerun }),
      ...(Object.keys(upstream).length && { [jobAnnotations.upstream]: canonical(upstream) }),
      ...(pod && { [jobAnnotations.pod]: pod }),
    },
  },
  spec: {
    parallelism: 1,
    completions: 1,
    backoffLimit,
    ...(activeDeadlineSeconds && { activeDeadlineSeconds }),
    podReplacementPolicy: 'Failed',
    podFailurePolicy: {
      rules: [
        ...(final
          ? [
              {
                action: 'FailJob',
                onExitCodes: {
                  containerName: final.container,
                  operator: 'In',
                  values: [final.exitCode],
                },
              },
            ]
          : []),
        { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      ],
    },
    template,
  },
})
