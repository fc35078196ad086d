import type { RunPolicy } from '../../crds/common.ts'
import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { StageRecord } from '../../crds/status.ts'
import type { PodSpec } from '../children/manifesttypes.ts'
import { folderHash } from '../engine/hashes.ts'
import type { Facts } from '../engine/read.ts'
import type { WorkStage } from '../engine/stage.ts'
import type { Report } from '../observe/jobreport.ts'
import type { Records } from '../observe/memory.ts'
import { podFieldsOf, withPodFields } from '../pod/podfields.ts'
import { container, contentMounts, gpuPodBase, podMetadata } from '../pod/template.ts'
import { joined, type Mounts } from '../pod/volumes.ts'
import { artifactsPath, lostPlace, pathsInUse, storageOf } from '../storage/storage.ts'
import { seal } from './seal.ts'

/** What loads, imports or trains: the loader, or the user's image. */
export interface Program {
  readonly image: string | undefined
  readonly args?: readonly string[]
  /** Fields of the container that the user cannot set. */
  readonly more?: Readonly<Record<string, unknown>>
}

/** What differs between the kinds. */
interface Run extends Pick<WorkStage, 'active' | 'skip' | 'needs' | 'hashes'> {
  readonly name: 'load' | 'run'
  readonly program: (records: Records) => Program
  readonly mounts: () => Mounts
  /** How often a failed Pod is retried, unless spec.runPolicy sets it. */
  readonly backoffLimit: number
  /** What to record besides the digest and the size of the artifacts. */
  readonly result?: (records: Records, report: Report) => Partial<StageRecord>
}

/** A container writes artifacts/, and its exit code decides whether the stage succeeded. */
export function runStage(
  facts: Facts<{ readonly runPolicy?: RunPolicy }>,
  { name, active, skip, needs, hashes, ...run }: Run,
): WorkStage {
  const { runPolicy = {} } = facts.parent.spec
  return {
    does: 'work',
    name,
    condition: 'Complete',
    active,
    skip,
    needs,
    hashes,
    isUsers: true,
    folder: (rerun) => folderHash(facts.parent.spec, rerun),
    policy: {
      activeDeadlineSeconds: runPolicy.activeDeadlineSeconds,
      backoffLimit: runPolicy.backoffLimit ?? run.backoffLimit,
    },
    template: ({ folder }, records) =>
      withPodFields(
        runPod(facts, name, folder, run.program(records), run.mounts()),
        name,
        facts.parent,
        facts.config,
      ),
    lost: ({ attempt }) => lostPlace(facts, name, attempt),
    result: (report, _attempt, records) => ({
      ...(report.digest && { digest: report.digest }),
      ...(report.bytes !== undefined && { bytes: report.bytes }),
      ...(report.unsealed && { unsealed: report.unsealed }),
      ...run.result?.(records, report),
    }),
  }
}

/**
 * The Pod of a load or a run: the user's container is the last init container, so that `seal`
 * starts only after its success.
 */
function runPod(
  facts: Facts,
  stage: 'load' | 'run',
  folder: string,
  program: Program,
  read: Mounts,
) {
  const { parent, config } = facts
  const place = storageOf(config).write(parent, artifactsPath(stage, folder), config)
  const mounts = joined(read, place.work)
  const base = gpuPodBase(parent, config)
  return {
    metadata: podMetadata(parent, config, stage, stage),
    spec: {
      restartPolicy: 'Never',
      ...base,
      ...nodesThatBind(base, parent, config),
      initContainers: [
        ...mounts.before,
        container(parent, config, { name: stage, mounts, ...program }),
      ],
      containers: [seal(place, pathsInUse(facts, stage), config)],
      volumes: contentMounts(parent, config, mounts).volumes,
    },
  }
}

/** The Job that first binds a claim decides where its volume is. The administrator can restrict the nodes. */
const nodesThatBind = (base: Pick<PodSpec, 'nodeSelector'>, parent: Parent, config: Config) => {
  const nodeSelector = {
    ...config.storage.pvc.nodeSelector,
    ...podFieldsOf(parent, config).nodeSelector,
    ...base.nodeSelector,
  }
  return Object.keys(nodeSelector).length ? { nodeSelector } : {}
}

/** What Ready adds about a result that lacks something, so that nobody looks for it in vain. */
export function unsealedNote(record: StageRecord | undefined): string {
  const { count = 0, first } = record?.unsealed ?? {}
  if (!first) return ''
  const more = count > 1 ? `, and ${count - 1} more; see the log of container "seal"` : ''
  return `; ${first}${more}`
}
