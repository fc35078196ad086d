import type { Shown } from '../cluster/cluster.ts'
import { apply, get, ok } from '../cluster/cluster.ts'
import { base } from './realnode.ts'

/**
 * The time between containers: scheduling, starting, reporting, deciding. It is compared with a plain Job
 * of two containers that do nothing; the difference is our overhead. Kubernetes reports whole seconds, so
 * a stage may seem a second longer or shorter than it was.
 */

export interface Stage {
  readonly stage: string
  readonly seconds: number
  readonly work: number
}

export const at = (text: string): number => Date.parse(text) / 1000

/** For each stage, the seconds since the end of the previous one, and the seconds that its containers ran. */
export function stagesOf(pods: readonly Shown[], created: number): readonly Stage[] {
  let since = created
  return pods.map(({ metadata, status }) => {
    const ends = [...(status.initContainerStatuses ?? []), ...status.containerStatuses].map(
      ({ state }) => state.terminated,
    )
    const last = Math.max(...ends.map(({ finishedAt }) => at(finishedAt)))
    const work = ends.reduce((sum, end) => sum + at(end.finishedAt) - at(end.startedAt), 0)
    const seconds = last - since
    since = last
    return { stage: metadata.labels['substratus.ai/stage'], seconds, work }
  })
}

const line = (cells: readonly (string | number)[]): string =>
  cells.map((cell) => String(cell).padStart(12)).join('')

export const tableOf = (stages: readonly Stage[]): string =>
  [
    line(['stage', 'seconds', 'work', 'between']),
    ...stages.map(({ stage, seconds, work }) => line([stage, seconds, work, seconds - work])),
  ].join('\n')

/** The seconds of a Job that does nothing, under the current load of this machine. */
export async function plainJob(ns: string, name: string): Promise<number> {
  const container = { image: `${base}/busybox:1`, command: ['true'] }
  await apply(
    ns,
    JSON.stringify({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name },
      spec: {
        template: {
          spec: {
            restartPolicy: 'Never',
            initContainers: [{ name: 'first', ...container }],
            containers: [{ name: 'second', ...container }],
          },
        },
      },
    }),
  )
  await ok(['-n', ns, 'wait', `job/${name}`, '--for=condition=Complete', '--timeout=60s'])
  const job = await get(ns, `job/${name}`)
  return at(job.status.completionTime) - at(job.metadata.creationTimestamp)
}
