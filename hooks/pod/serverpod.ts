import type { ServerPreset } from '../../crds/config.ts'
import type { ModelServerSpec } from '../../crds/modelserver.ts'
import { filledIn } from '../../crds/placeholders.ts'
import { servesItself } from '../../crds/serving.ts'
import type { Facts } from '../engine/read.ts'
import type { Records } from '../observe/memory.ts'
import { ownImage } from '../observe/spec.ts'
import { adapterAnnotation, adapterArguments, adapterMounts } from './adapters.ts'
import { commandLine } from './commandline.ts'
import { drainOf, gracePeriodSeconds } from './drain.ts'
import { resultMount } from './mounts.ts'
import { placeholdersOf } from './placeholders.ts'
import { podFieldsOf } from './podfields.ts'
import { watchOf } from './serverwatch.ts'
import { container, contentMounts, gpuPodBase, podMetadata } from './template.ts'
import { joined, type Mounts, noMounts } from './volumes.ts'

type ServerFacts = Facts<ModelServerSpec>

/** The port of the Service, and of the container unless the spec has another. */
export const serverPort = 8080

/** The image, command and other settings of the server's container. */
interface Server extends ServerPreset {
  readonly mountsModel: boolean
}

/**
 * The server is the ModelServer's own image; else the preset that `runtime` names; else the Model's
 * image, if it contains a program (its serve.sh); else the administrator's default preset.
 */
export function serverOf(
  { parent: { spec }, references: { model }, config }: ServerFacts,
  records: Records,
): Server | undefined {
  if (spec.image || spec.build) {
    const image = ownImage(spec, records)
    return image ? { image, mountsModel: true } : undefined
  }
  const preset = config.servers.presets[spec.runtime ?? config.servers.default]
  if (spec.runtime) return preset && { ...preset, mountsModel: true }
  if (model.state !== 'ready') return undefined
  const { image, inImage } = model.artifacts
  if (image && servesItself(spec, model.artifacts))
    return { image, command: ['serve.sh'], mountsModel: !inImage }
  return preset && { ...preset, mountsModel: true }
}

const portOf = ({ port = serverPort }: ModelServerSpec): number => port

const healthOf = ({ health }: ModelServerSpec, server: Server | undefined): string =>
  health ?? server?.health ?? '/'

export function serverPod(facts: ServerFacts, records: Records) {
  const { parent, references, config } = facts
  const server = serverOf(facts, records)
  const { disk } = parent.spec.resources ?? {}
  const mounts = joined(
    server?.mountsModel ? resultMount('model', references.model, config, disk) : noMounts,
    adapterMounts(facts),
  )
  const watch = watchOf(facts, server, portOf(parent.spec), healthOf(parent.spec, server))
  const before = [...mounts.before, ...watch.relay]
  const metadata = podMetadata(parent, config, 'serve', 'server')
  return {
    metadata: {
      ...metadata,
      annotations: {
        ...metadata.annotations,
        ...adapterAnnotation(selectOf(parent.spec, server), facts),
      },
    },
    spec: {
      ...gpuPodBase(parent, config),
      terminationGracePeriodSeconds: gracePeriodSeconds,
      ...(before.length && { initContainers: before }),
      containers: [serverContainer(facts, server, mounts), ...watch.idle],
      volumes: [...contentMounts(parent, config, mounts).volumes, ...watch.volumes],
    },
  }
}

/** A command of the user's own may start another program than the preset's. */
const selectOf = ({ command }: ModelServerSpec, server: Server | undefined): 'model' | 'lora' =>
  (command?.length ? undefined : server?.adapterArgs?.select) ?? 'model'

function serverContainer(facts: ServerFacts, server: Server | undefined, mounts: Mounts) {
  const { parent, config } = facts
  const { spec } = parent
  const grace = podFieldsOf(parent, config).terminationGracePeriodSeconds
  const { sleep, args } = drainOf(server ?? {}, grace)
  const values = placeholdersOf(spec, portOf(spec), config)
  const adapters = adapterArguments(server ?? {}, facts)
  const preset = { ...server, args: [...(server?.args ?? []), ...adapters, ...args] }
  return container(parent, config, {
    name: 'server',
    image: server?.image,
    ...commandLine(preset, spec, values),
    env: mapped(server?.env, (value) => filledIn(value, values)),
    mounts,
    more: {
      ports: [{ name: 'http', containerPort: portOf(spec), protocol: 'TCP' }],
      ...(sleep && { lifecycle: { preStop: { sleep: { seconds: sleep } } } }),
      // No liveness probe: a restart would load the weights again and fix nothing.
      readinessProbe: {
        httpGet: { path: healthOf(spec, server), port: 'http' },
        periodSeconds: 5,
        timeoutSeconds: 5,
      },
    },
  })
}

const mapped = (
  map: Readonly<Record<string, string>> = {},
  change: (value: string) => string,
): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]))
