import type { Resources, RunPolicy } from '../../crds/common.ts'
import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { StageRecord } from '../../crds/status.ts'
import type { Container } from '../children/manifesttypes.ts'
import type { RunHashes } from '../engine/hashes.ts'
import type { Facts } from '../engine/read.ts'
import type { WorkStage } from '../engine/stage.ts'
import type { Report } from '../observe/jobreport.ts'
import type { Records } from '../observe/memory.ts'
import { withPodFields } from '../pod/podfields.ts'
import { roomFor } from '../pod/resources.ts'
import { container, contentMounts, gpuPodBase, podMetadata } from '../pod/template.ts'
import { joined, type Mounts } from '../pod/volumes.ts'
import type { Place } from '../storage/driver.ts'
import { artifactsPath, lostPlace, pathsInUse, storageOf } from '../storage/storage.ts'
import { nodesThatBind } from './nodes.ts'
import { sealArgs, sealContainer, sealedResult, sealRemedy, sealStage } from './seal.ts'

/** What loads, imports or trains: the loader, or the user's image. */
export interface Program {
  readonly image: string | undefined
  readonly args?: readonly string[]
  /** Fields of the container that the user cannot set. */
  readonly more?: Readonly<Record<string, unknown>>
}

/** What differs between the kinds. */
interface Run extends Pick<WorkStage, 'active' | 'skip' | 'needs'> {
  readonly hashes: (rerun: string | undefined) => RunHashes
  readonly name: 'load' | 'run'
  /** Whether the program is the loader. */
  readonly isLoader: boolean
  readonly program: (records: Records) => Program
  readonly mounts: () => Mounts
  /** How often a failed Pod is retried, unless spec.runPolicy sets it. */
  readonly backoffLimit: number
  /** What to record besides the digest and the size of the artifacts. */
  readonly result?: (records: Records, report: Report) => Partial<StageRecord>
}

/**
 * A container writes artifacts/, and its exit code decides whether the stage succeeded. What the user's
 * program has written is sealed by a stage of its own.
 */
export function runStages(
  facts: Facts<{ readonly runPolicy?: RunPolicy }>,
  run: Run,
): readonly WorkStage[] {
  return [runStage(facts, run), sealStage(facts, run.name, run.hashes)]
}

function runStage(
  facts: Facts<{ readonly runPolicy?: RunPolicy }>,
  { name, active, skip, needs, hashes, ...run }: Run,
): WorkStage {
  const { runPolicy = {} } = facts.parent.spec
  const sealing = sealingOf(facts, run.isLoader)
  return {
    does: 'work',
    name,
    keys: ['written', name],
    isSealedApart: sealing === 'apart',
    condition: 'Complete',
    active,
    skip,
    needs,
    hashes,
    isUsers: true,
    folder: (rerun) => hashes(rerun).folder,
    policy: {
      activeDeadlineSeconds: runPolicy.activeDeadlineSeconds,
      backoffLimit: runPolicy.backoffLimit ?? run.backoffLimit,
    },
    ...(sealing === 'within' && { remedy: sealRemedy(facts.parent) }),
    template: ({ folder }, records) =>
      withPodFields(
        runPod(facts, name, sealing, folder, run.program(records), run.mounts()),
        name,
        facts.parent,
        facts.config,
      ),
    lost: (record) => lostPlace(facts, name, record),
    result: (report, _, records) => ({
      ...sealedResult(report),
      ...run.result?.(records, report),
    }),
  }
}

/**
 * What seals a result: the loader itself, a Job of its own, or, if the files are only on the node's disk,
 * the same Pod.
 */
type Sealing = 'itself' | 'apart' | 'within'

const sealingOf = ({ config }: Facts, isLoader: boolean): Sealing =>
  ({
    inPlace: isLoader ? ('itself' as const) : ('apart' as const),
    inClaim: 'apart' as const,
    inPod: 'within' as const,
  })[storageOf(config).written(config)]

/**
 * The Pod of a load or a run. Where the same Pod must seal, its program is the last init container, so that
 * `seal` starts only after its success.
 */
function runPod(
  facts: Facts,
  stage: 'load' | 'run',
  sealing: Sealing,
  folder: string,
  program: Program,
  read: Mounts,
) {
  const { parent, config } = facts
  const place = storageOf(config).write(parent, artifactsPath(stage, folder), config)
  const mounts = joined(read, place.work)
  const keep = pathsInUse(facts, stage)
  const own = container(parent, config, {
    name: stage,
    ...program,
    mounts: sealing === 'itself' ? joined(mounts, wholePlace(place)) : mounts,
    ...(sealing === 'itself' && { args: [...(program.args ?? []), ...sealArgs(place, keep)] }),
  })
  const isWithin = sealing === 'within'
  const main = isWithin ? withScratch(own, parent, config) : own
  const before = [...mounts.before, ...(isWithin ? [main] : [])]
  const base = gpuPodBase(parent, config)
  return {
    metadata: podMetadata(parent, config, stage, stage),
    spec: {
      restartPolicy: 'Never',
      ...base,
      ...nodesThatBind(base, parent, config),
      ...(before.length && { initContainers: before }),
      containers: isWithin ? [sealContainer(place, keep, config)] : [main],
      volumes: contentMounts(parent, config, mounts).volumes,
    },
  }
}

/** A program that writes to the node's disk requests `resources.disk`; a default would fit few nodes. */
function withScratch(container: Container, { spec }: Parent, config: Config): Container {
  const { disk } = (spec as { readonly resources?: Resources }).resources ?? {}
  const { resources } = container
  const room = roomFor(config, disk)
  if (!room) return container
  const requests = { ...resources?.requests, 'ephemeral-storage': room }
  return { ...container, resources: { ...resources, requests } }
}

const wholePlace = ({ seal }: Place): Mounts => ({
  volumes: [],
  volumeMounts: seal.volumeMounts,
  before: [],
})

/** What Ready adds about a result that lacks something, so that nobody looks for it in vain. */
export function unsealedNote(record: StageRecord | undefined): string {
  const { job, seal = job, unsealed } = record ?? {}
  const { count = 0, first } = unsealed ?? {}
  if (!first) return ''
  const more = count > 1 ? `, and ${count - 1} more; see the log of Job "${seal}"` : ''
  return `; ${first}${more}`
}
