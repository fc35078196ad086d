import { adapterFaults, type KnownAdapter, staleAdapters } from '../crds/adapters.ts'
import { isShared } from '../crds/claims.ts'
import { imagePattern } from '../crds/imagename.ts'
import { ModelServer, type ModelServerSpec } from '../crds/modelserver.ts'
import { alike, claimName } from '../crds/names.ts'
import { quoted } from '../crds/quoted.ts'
import { tooManyReplicas } from '../crds/serving.ts'
import type { Artifacts, ServedAdapter } from '../crds/status.ts'
import { deployment, deployments } from './children/deployment.ts'
import type { Container, Workload } from './children/manifesttypes.ts'
import { namespaceOf, selectorOf, serverName } from './children/metadata.ts'
import { service, services } from './children/service.ts'
import { servingInputs } from './engine/hashes.ts'
import { hookOf } from './engine/hook.ts'
import { doubtOf, idlenessOf, idleVerdict } from './engine/idleness.ts'
import type { Facts } from './engine/read.ts'
import type { Beside, ServeStage } from './engine/stage.ts'
import { containersIn, type Observed, type ObservedPod } from './observe/observed.ts'
import type { Reference } from './observe/references.ts'
import { rolloutOf } from './observe/rollout.ts'
import { isReady, isTerminating } from './observe/servingpods.ts'
import { ownImage } from './observe/spec.ts'
import { no, type Verdict, withNote, yes } from './observe/verdict.ts'
import { adaptersIn } from './pod/adapters.ts'
import { withPodFields } from './pod/podfields.ts'
import { servedModels } from './pod/servedmodels.ts'
import { serverOf, serverPod, serverPort } from './pod/serverpod.ts'
import { strategyOf } from './pod/strategy.ts'
import { buildJob, buildStage } from './work/build.ts'

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
    { kind: deployments, name: 'NAME-server', purpose: 'The servers.' },
    {
      kind: services,
      name: 'NAME-server',
      purpose: 'Port 8080 (`http`), which forwards to `spec.port`.',
    },
  ],
  stages: (facts) => [
    buildStage(facts, 'the image is given, or the Model’s, or a preset’s'),
    serve(facts),
  ],
  claims: () => [],
  beside,
  status: (facts, records, _done, serving) => {
    const { parent, observed } = facts
    const { workload } = serving
    const image = imageIn(workload) ?? serverOf(facts, records)?.image
    const existing = observed.child('Deployment', serverName(parent))
    const { remembered } = idlenessOf(facts, existing)
    const adapters = servedAdapters(facts, workload)
    const served = servedModels(facts, existing, serving)
    return {
      ...(image && { image }),
      ...(remembered && { idle: remembered }),
      ...(adapters.length && { adapters }),
      ...(served.length && { served }),
      url: `http://${serverName(parent)}.${namespaceOf(parent)}.svc:${serverPort}`,
      replicas: existing?.status?.replicas ?? 0,
      selector: Object.entries({ ...selectorOf(parent), 'substratus.ai/stage': 'serve' })
        .map(([label, value]) => `${label}=${value}`)
        .join(','),
    }
  },
  done: () => yes('Serving', 'serving'),
})

type ServerFacts = Facts<ModelServerSpec>

function serve(facts: ServerFacts): ServeStage {
  const { parent, references, observed, config } = facts
  const model = references.model
  const name = serverName(parent)
  const workload = observed.child('Deployment', name)
  const { isIdle, annotations } = idlenessOf(facts, workload)
  const replicas = replicasOf(parent.spec, isIdle)
  return {
    does: 'serve',
    condition: 'Serving',
    needs: [model, ...facts.adapters.map(({ reference }) => reference)],
    refuse: refusal(facts),
    outdated: outdated(facts),
    asleep: asleep(facts, isIdle),
    workload,
    replicas: retainedReplicas(facts, workload, replicas),
    annotations,
    inputs: (records) =>
      servingInputs(
        parent,
        {
          image: ownImage(parent.spec, records),
          artifacts: model.state === 'ready' ? model.artifacts.id : undefined,
          adapters: facts.adapters.map(({ reference }) => artifactsOf(reference)?.id),
        },
        facts.config,
      ),
    wanted: (records) =>
      deployment(
        parent,
        name,
        replicas,
        strategyOf(facts),
        withPodFields(serverPod(facts, records), 'server', parent, config),
      ),
    beside: beside(parent, observed),
    verdict: (existing, emitted) => verdictOf(facts, existing, emitted, isIdle),
  }
}

const containerIn = (workload: Workload | undefined, wanted = 'server'): Container | undefined =>
  containersIn(workload?.spec?.template).find(({ name }) => name === wanted)

/** The image of a retained Deployment, if it is valid in a status: somebody may have edited it. */
function imageIn(workload: Workload | undefined): string | undefined {
  const image = containerIn(workload)?.image
  return image && image.length <= 1024 && isImage.test(image) ? image : undefined
}

const isImage = new RegExp(imagePattern)

/**
 * The Service forwards to the port on which this workload's relay, or else its server, listens. While a
 * Pod without a relay answers, it forwards to the server, on which Pods with a relay listen, too: a
 * change of spec.idleTimeout fails no request.
 */
function beside(parent: ServerFacts['parent'], observed: Observed): Beside {
  return (workload) => {
    const relay = isRelayed(observed) ? portIn(containerIn(workload, 'relay')) : undefined
    const port = relay ?? portIn(containerIn(workload)) ?? serverPort
    return [service(parent, serverName(parent), serverPort, port)]
  }
}

const isRelayed = (observed: Observed): boolean =>
  observed.pods('serve').every((pod) => !isAnswering(pod) || hasRelay(pod))

const isAnswering = (pod: ObservedPod): boolean => !isTerminating(pod) && isReady(pod)

const hasRelay = (pod: ObservedPod): boolean =>
  containersIn(pod).some(({ name }) => name === 'relay')

/** Anyone who may edit the Deployment can change its ports. */
function portIn(server: Container | undefined): number | undefined {
  const listens = server?.ports?.[0]?.containerPort
  return Number.isInteger(listens) ? listens : undefined
}

const replicasOf = ({ suspend, replicas = 1 }: ModelServerSpec, isIdle: boolean): number =>
  suspend || isIdle ? 0 : replicas

const artifactsOf = (reference: Reference): Artifacts | undefined =>
  reference.state === 'ready' ? reference.artifacts : undefined

/** The adapters as far as they exist. A missing one is reported by its reference. */
const known = ({ adapters }: ServerFacts): readonly KnownAdapter[] =>
  adapters
    .filter(
      ({ reference }) =>
        reference.state !== 'waiting' || reference.verdict.reason !== 'ReferenceMissing',
    )
    .map(({ name, base, reference }) => ({ name, base, artifacts: artifactsOf(reference) }))

/**
 * Why the newest result of the Model is not served yet: an adapter that was trained on another one would be
 * loaded without an error, and answer nonsense.
 */
function outdated(facts: ServerFacts): string | undefined {
  const { model } = facts.references
  const names = staleAdapters(artifactsOf(model), known(facts))
  if (model.state !== 'ready' || !names.length) return undefined
  const [is, it] = names.length > 1 ? ['adapters', 'them'] : ['adapter', 'it']
  return `${is} ${quoted(names)}, trained on another result of Model "${model.name}" than the present one: kubectl annotate --overwrite model ${names.join(' ')} substratus.ai/rerun="$(date)" trains ${it} again`
}

/**
 * The adapters of the workload in this answer that every Pod has that answers: while Pods are replaced, a
 * request for any other might meet a Pod without it, or with another one of that number.
 */
function servedAdapters(
  { observed, memory }: ServerFacts,
  workload: Workload | undefined,
): readonly ServedAdapter[] {
  const pods = observed.pods('serve').filter(isAnswering).map(adaptersIn)
  const all = observed.knowsPods ? pods : [...pods, memory.adapters]
  return adaptersIn(workload?.spec?.template).filter((adapter) =>
    all.every((others) => others.some((other) => alike(other, adapter))),
  )
}

/** A retained Deployment scales too, but not beyond what its mount, or the requested one, can serve. */
function retainedReplicas(
  facts: ServerFacts,
  workload: Workload | undefined,
  replicas: number,
): number | undefined {
  const { parent, config } = facts
  if (replicas <= 1) return replicas
  const claims = (workload?.spec?.template?.spec?.volumes ?? []).map(
    ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName,
  )
  const own = [parent.spec.model, ...(parent.spec.adapters ?? [])].map((metadata) =>
    claimName({ kind: 'Model', metadata }),
  )
  const isOnOneNode = own.some((claim) => claims.includes(claim)) && !isShared(config)
  return isOnOneNode || refusal(facts) ? undefined : replicas
}

/** Why the requested replicas cannot all mount the Model, or why its adapters cannot be served. */
function refusal(facts: ServerFacts): Verdict | undefined {
  const { references, config } = facts
  const { spec } = facts.parent
  const { model } = references
  const artifacts = artifactsOf(model)
  const message = artifacts && tooManyReplicas(spec, spec.model.name, artifacts, config)
  const errors = [
    ...(message ? [`spec.replicas: ${message}`] : []),
    ...adapterFaults(spec, artifacts, known(facts), config).map(
      (fault) => `spec.adapters: ${fault}`,
    ),
  ]
  return errors.length ? no('InvalidSpec', errors.join('; ')) : undefined
}

function verdictOf(
  facts: ServerFacts,
  existing: Workload,
  emitted: Workload | undefined,
  isIdle: boolean,
): Verdict {
  const { parent, observed } = facts
  const stopped = asleep(facts, isIdle)
  if (stopped) return stopped
  const doubt = parent.spec.idleTimeout && doubtOf(observed.pods('serve'))
  // Pods may be seen later than the Deployment. Until then, the relay sees none of the requests.
  const isBypassed = containerIn(emitted, 'relay') && !isRelayed(observed)
  const verdict = withNote(
    rolloutOf(existing, emitted, parent.spec.replicas ?? 1, observed),
    doubt ? `idleTimeout has no effect, the idle watch ${doubt}` : undefined,
  )
  return isBypassed ? { ...verdict, isUnsettled: true } : verdict
}

/** A server that nobody wants to run is never woken: it does not count as idle. */
function asleep(facts: ServerFacts, isIdle: boolean): Verdict | undefined {
  const { suspend, replicas } = facts.parent.spec
  if (suspend) return no('Suspended', 'spec.suspend is true')
  if (replicas === 0) return no('Suspended', 'scaled to 0 replicas')
  return isIdle ? idleVerdict(facts) : undefined
}
