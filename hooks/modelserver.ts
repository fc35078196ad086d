import type { Config, ServerPreset } from '../crds/config.ts'
import { ModelServer, type ModelServerSpec, type ModelServerStatus } from '../crds/modelserver.ts'
import { claimName } from '../crds/names.ts'
import { servesItself, singleNodeClaim, tooManyReplicas } from '../crds/serving.ts'
import { buildJob, buildStage, ownImage } from './buildstage.ts'
import { deployment } from './children/deployment.ts'
import { service } from './children/service.ts'
import { no, type Verdict, yes } from './conditions.ts'
import { conditionOf, knowsTemplate, servingFault, unreadyFault } from './diagnosis.ts'
import { hookOf, type Sync } from './hook.ts'
import { namespaceOf, selectorOf, serverName } from './names.ts'
import { containersIn } from './observed.ts'
import { missing, type Records } from './parent.ts'
import { gpuOf } from './pod/gpu.ts'
import { resultMount } from './pod/mounts.ts'
import { container, contentMounts, gpuPodBase, podMetadata } from './pod/template.ts'
import { type Mounts, noMounts } from './pod/volumes.ts'
import type { Child } from './protocol.ts'
import type { Reference } from './references.ts'
import { type Beside, type Serves, withToolsAsApplied } from './serving.ts'

/**
 * A ModelServer is built and serves:
 *
 *     build ──▶ serve ──▶ Ready
 *
 * A Deployment mounts the Model at /content/model, and a Service NAME-server answers on port 8080.
 */
export const modelserver = hookOf(ModelServer, {
  children: [
    buildJob('modelserver'),
    { kind: 'Deployment', name: 'NAME-server', purpose: 'The servers.' },
    {
      kind: 'Service',
      name: 'NAME-server',
      purpose: 'Port 8080 (`http`), which forwards to `spec.port`.',
    },
  ],
  stages: (sync) => [
    buildStage(sync.parent, sync.config, 'the image is given, or the Model’s, or a preset’s'),
    serve(sync),
  ],
  claims: () => [],
  beside,
  status: ({ parent, references, observed, config }, records) => {
    const image = serverOf(parent.spec, references.model, records, config)?.image
    const existing = observed.child('Deployment', serverName(parent))
    return {
      ...(image && { image }),
      url: `http://${serverName(parent)}.${namespaceOf(parent)}.svc:${port}`,
      replicas: existing?.status?.replicas ?? 0,
      selector: Object.entries({ ...selectorOf(parent), 'substratus.ai/stage': 'serve' })
        .map(([label, value]) => `${label}=${value}`)
        .join(','),
    }
  },
  done: () => yes('Serving', 'serving'),
})

type ServerSync = Sync<ModelServerSpec, ModelServerStatus>

/** The Service's port for everybody; the container's may be another. */
const port = 8080

/** What serves: image, command and the rest. */
interface Server extends ServerPreset {
  readonly mountsModel: boolean
}

/**
 * Which image serves: the ModelServer's own; else the preset that `runtime` names; else the Model's
 * own, where it brings a program (its serve.sh); else the administrator's default preset.
 */
function serverOf(
  spec: ModelServerSpec,
  reference: Reference | undefined,
  records: Records,
  config: Config,
): Server | undefined {
  const parent = { spec } as Parameters<typeof ownImage>[0]
  if (spec.image || spec.build) {
    const image = ownImage(parent, records)
    return image ? { image, mountsModel: true } : undefined
  }
  const preset = config.servers.presets[spec.runtime ?? config.servers.default]
  if (spec.runtime) return preset && { ...preset, mountsModel: true }
  if (reference?.state !== 'ready') return undefined
  const { image = '', inImage } = reference.artifacts
  if (servesItself(spec, reference.artifacts))
    return { image, command: ['serve.sh'], mountsModel: !inImage }
  return preset && { ...preset, mountsModel: true }
}

/** `{model}`, `{name}`, `{gpus}` and `{port}` in a preset's arguments. */
const filledIn = (args: readonly string[], values: Readonly<Record<string, string>>) =>
  args.map((arg) => arg.replaceAll(/\{(model|name|gpus|port)\}/g, (_, key) => values[key] ?? ''))

function serve(sync: ServerSync): Serves {
  const { parent, references, observed } = sync
  const model = references.model ?? { state: 'none' }
  const name = serverName(parent)
  const workload = observed.child('Deployment', name)
  return {
    does: 'serve',
    needs: [model],
    refuse: refusal(sync),
    workload,
    replicas: keptReplicas(sync, workload),
    wanted: (records) =>
      withToolsAsApplied(
        deployment(
          parent,
          name,
          replicasOf(parent.spec),
          strategyOf(sync),
          template(sync, records),
        ),
        workload,
        sync.config,
      ),
    beside: beside(parent),
    verdict: (emitted) => {
      if (!workload) return missing(parent, 'Serving', 'Deployment', name)
      if (!observed.child('Service', name)) return missing(parent, 'Serving', 'Service', name)
      return verdictOf(sync, workload, emitted)
    },
  }
}

/** The Service forwards to the port on which this workload's own container listens. */
function beside(parent: ServerSync['parent']): Beside {
  return (workload) => {
    const [server] = containersIn(workload?.spec?.template).filter(({ name }) => name === 'server')
    return [service(parent, serverName(parent), port, portIn(server) ?? port)]
  }
}

function portIn(server: Child | undefined): number | undefined {
  const listens: unknown = server?.ports?.[0]?.containerPort
  return Number.isInteger(listens) ? (listens as number) : undefined
}

const replicasOf = ({ suspend, replicas = 1 }: ModelServerSpec): number => (suspend ? 0 : replicas)

/** What is kept scales too, but not beyond what its mount or the asked one serves. */
function keptReplicas(sync: ServerSync, workload: Child | undefined): number | undefined {
  const { parent, config } = sync
  const replicas = replicasOf(parent.spec)
  if (replicas <= 1) return replicas
  const { volumes = [] } = workload?.spec?.template?.spec ?? {}
  const claims: readonly (string | undefined)[] = volumes.map(
    (volume: Child) => volume.persistentVolumeClaim?.claimName,
  )
  const claim = claimName({ kind: 'Model', metadata: parent.spec.model })
  const isOnOneNode =
    claims.includes(claim) && !config.storage.pvc.accessModes?.includes('ReadWriteMany')
  return isOnOneNode || refusal(sync) ? undefined : replicas
}

/** A surge Pod would wait for what its predecessor holds: the GPU, or the claim on another node. */
function strategyOf({ parent: { spec }, references: { model }, config }: ServerSync) {
  if (spec.strategy) return spec.strategy
  const isHeld =
    gpuOf(spec.resources, config).count > 0 ||
    (model?.state === 'ready' && singleNodeClaim(spec, model.name, model.artifacts, config))
  return isHeld && (spec.replicas ?? 1) <= 1 ? 'Recreate' : 'RollingUpdate'
}

/** More Pods than the mount of the Model serves. */
function refusal({ parent: { spec }, references, config }: ServerSync): Verdict | undefined {
  const { model } = references
  if (model?.state !== 'ready') return undefined
  const message = tooManyReplicas(spec, model.name, model.artifacts, config)
  return message ? no('InvalidSpec', `spec.replicas: ${message}`) : undefined
}

function template(sync: ServerSync, records: Records) {
  const { parent, references, config } = sync
  const { spec } = parent
  const model = references.model ?? { state: 'none' }
  const server = serverOf(spec, model, records, config)
  const mounts: Mounts = server?.mountsModel ? resultMount('model', model, config) : noMounts
  const containerPort = spec.port ?? port
  const args = filledIn(server?.args ?? [], {
    model: '/content/model',
    name: spec.model.name,
    gpus: String(Math.max(1, gpuOf(spec.resources, config).count)),
    port: String(containerPort),
  })
  return {
    metadata: podMetadata(parent, config, 'serve', 'server'),
    spec: {
      ...gpuPodBase(parent, config),
      ...(mounts.before.length && { initContainers: mounts.before }),
      containers: [
        container(parent, config, {
          name: 'server',
          image: server?.image ?? '',
          command: server?.command,
          args,
          env: server?.env,
          mounts,
          more: {
            ports: [{ name: 'http', containerPort, protocol: 'TCP' }],
            // A Pod that ends is still sent requests until every node has heard of it.
            lifecycle: { preStop: { sleep: { seconds: 5 } } },
            // Readiness alone: a restart would load the weights again, and mend nothing.
            readinessProbe: {
              httpGet: { path: spec.health ?? server?.health ?? '/', port: 'http' },
              periodSeconds: 5,
              timeoutSeconds: 5,
            },
          },
        }),
      ],
      volumes: contentMounts(parent, config, mounts).volumes,
    },
  }
}

/**
 * In a RollingUpdate the old Pods answer until the new ones do, so that Ready stays True and its
 * message counts, as the Deployment's own Available does: nothing fails, and neither an alert nor a
 * GitOps tool should see an outage. Who waits for the new Pods asks `kubectl rollout status`. With
 * Recreate the old Pods are taken away first: Ready is False from the moment the change is asked for.
 */
function verdictOf(
  { parent: { spec }, observed }: ServerSync,
  existing: Child,
  emitted: Child | undefined,
): Verdict {
  if (spec.suspend) return no('Suspended', 'spec.suspend is true')
  if (spec.replicas === 0) return no('Suspended', 'scaled to 0 replicas')
  const { name } = existing.metadata
  const pods = observed.pods('serve')
  const wanted = spec.replicas ?? 1
  const { availableReplicas = 0, updatedReplicas = 0, replicas = 0 } = existing.status ?? {}
  const isKnown = knowsTemplate(existing, emitted)
  // What is known of Pods is known of the old ones until the Deployment has seen the new template.
  const refused = isKnown ? conditionOf(existing, 'ReplicaFailure') : undefined
  const fault = refused
    ? no('PodRefused', refused.message ?? 'the API server refuses the Pod')
    : isKnown
      ? unreadyFault(pods)
      : undefined
  if (availableReplicas === 0)
    return fault ?? servingFault(pods, `no Pod yet: kubectl describe deployment ${name} says why`)

  const updated = isKnown ? updatedReplicas : 0
  const isRolling = updated < replicas
  const count = isRolling
    ? `rolling out: ${updated} of ${replicas} Pods are new`
    : `${availableReplicas} of ${wanted} replicas available`
  const isWhole = !isRolling && Math.min(updated, availableReplicas) >= wanted
  const message = fault && !isWhole ? `${count}; ${fault.message}` : count
  const isAnswering =
    conditionOf(existing, 'Available') &&
    !(isRolling && emitted?.spec?.strategy?.type === 'Recreate')
  return isAnswering ? yes('Serving', message) : no(fault?.reason ?? 'Starting', message)
}
