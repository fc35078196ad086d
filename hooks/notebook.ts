import { annotations } from '../crds/kind.ts'
import { claimName } from '../crds/names.ts'
import { Notebook, type NotebookSpec, type NotebookStatus } from '../crds/notebook.ts'
import { prune } from '../crds/schema/prune.ts'
import { idle as idleSchema } from '../crds/status.ts'
import { printable } from '../crds/text.ts'
import { buildJob, buildStage, ownImage } from './buildstage.ts'
import { denyIngress } from './children/networkpolicy.ts'
import { service } from './children/service.ts'
import { statefulSet } from './children/statefulset.ts'
import { no, type Verdict, yes } from './conditions.ts'
import { containersOf, isLeaving, knowsTemplate, servingFault } from './diagnosis.ts'
import { hookOf, type Sync } from './hook.ts'
import { notebookName, openedOf } from './names.ts'
import { jsonIn } from './observed.ts'
import { missing, type Records } from './parent.ts'
import { resultMount } from './pod/mounts.ts'
import { toolResources } from './pod/resources.ts'
import { containerSecurity } from './pod/security.ts'
import { container, contentMounts, gpuPodBase, podMetadata } from './pod/template.ts'
import { joined, type Mounts } from './pod/volumes.ts'
import type { Child } from './protocol.ts'
import { type Beside, type Serves, withToolsAsApplied } from './serving.ts'
import { claimOf, shrinkNote } from './storage/pvc.ts'

/**
 * A Notebook is built and serves:
 *
 *     build ──▶ serve ──▶ Ready
 *
 * A StatefulSet of one Pod runs Jupyter on port 8888 with its home on a claim that survives suspend.
 * The way in is port-forwarding alone: a NetworkPolicy denies the rest.
 */
export const notebook = hookOf(Notebook, {
  children: [
    buildJob('notebook'),
    { kind: 'StatefulSet', name: 'NAME-notebook', purpose: 'Jupyter, in one Pod.' },
    { kind: 'Service', name: 'NAME-notebook', purpose: 'Port 8888 (`http`).' },
    { kind: 'NetworkPolicy', name: 'NAME-notebook', purpose: 'Denies all ingress to the Pod.' },
    { kind: 'PersistentVolumeClaim', name: 'NAME-notebook-home', purpose: 'The home.' },
  ],
  stages: (sync) => [
    buildStage(sync.parent, sync.config, 'the image is given, or the administrator’s'),
    serve(sync),
  ],
  claims: ({ parent, observed, config }) => [claimOf(parent, observed, config)],
  beside,
  status: (sync, records) => {
    const image = imageOf(sync, records)
    const idle = idleOf(sync)
    return { ...(image && { image }), ...(idle && { idle }) }
  },
  done: () => yes('Serving', 'serving'),
})

type NotebookSync = Sync<NotebookSpec, NotebookStatus>

const port = 8888

/** Without build and image, the administrator's; while a build is not done, none. */
const imageOf = ({ parent, config }: NotebookSync, records: Records): string | undefined =>
  ownImage(parent, records) ?? (parent.spec.build ? undefined : config.images.notebook)

function beside(parent: NotebookSync['parent']): Beside {
  const name = notebookName(parent)
  return () => [service(parent, name, port, port, true), denyIngress(parent, name)]
}

function serve(sync: NotebookSync): Serves {
  const { parent, references, observed } = sync
  const name = notebookName(parent)
  const idle = idleOf(sync)
  const isStopped = isIdle(parent, idle)
  const replicas = parent.spec.suspend || isStopped ? 0 : 1
  const workload = observed.child('StatefulSet', name)
  return {
    does: 'serve',
    needs: Object.values(references),
    refuse: undefined,
    workload,
    replicas,
    notes: idleNote(parent, workload, idle),
    wanted: (records) =>
      withToolsAsApplied(
        statefulSet(parent, name, replicas, template(sync, records)),
        workload,
        sync.config,
      ),
    beside: beside(parent),
    verdict: (emitted) => {
      if (!workload) return missing(parent, 'Serving', 'StatefulSet', name)
      for (const kind of ['Service', 'NetworkPolicy'])
        if (!observed.child(kind, name)) return missing(parent, 'Serving', kind, name)
      return verdictOf(sync, workload, emitted, isStopped)
    },
  }
}

/** Jupyter makes a token of its own at each start; no API object holds it. */
const jupyter = [
  'jupyter',
  'lab',
  '--no-browser',
  '--allow-root',
  '--ip=0.0.0.0',
  `--port=${port}`,
  '--ServerApp.root_dir=/content',
]
const runtimeDir = '/run/jupyter'

function template(sync: NotebookSync, records: Records) {
  const { parent, references, config } = sync
  const { spec } = parent
  const mounts = joined(
    resultMount('model', references.model ?? { state: 'none' }, config),
    resultMount('data', references.data ?? { state: 'none' }, config),
    home(sync),
    runtime,
  )
  return {
    metadata: podMetadata(parent, config, 'serve', 'notebook'),
    spec: {
      ...gpuPodBase(parent, config),
      ...(mounts.before.length && { initContainers: mounts.before }),
      containers: [
        container(parent, config, {
          name: 'notebook',
          image: imageOf(sync, records) ?? '',
          command: jupyter,
          env: { HOME: '/content/home', JUPYTER_RUNTIME_DIR: runtimeDir },
          mounts,
          more: {
            ports: [{ name: 'http', containerPort: port, protocol: 'TCP' }],
            readinessProbe: {
              ...(spec.command
                ? { tcpSocket: { port: 'http' } }
                : { httpGet: { path: '/api', port: 'http' } }),
              periodSeconds: 5,
              timeoutSeconds: 5,
            },
          },
        }),
        ...(spec.idleTimeout ? [idleWatch(spec.idleTimeout, config)] : []),
      ],
      volumes: contentMounts(parent, config, mounts).volumes,
    },
  }
}

const home = ({ parent }: NotebookSync): Mounts => ({
  volumes: [{ name: 'home', persistentVolumeClaim: { claimName: claimName(parent) } }],
  volumeMounts: [{ name: 'home', mountPath: '/content/home' }],
  before: [],
})

/** Where Jupyter keeps its token: memory of the Pod, gone with it. */
const runtime: Mounts = {
  volumes: [{ name: 'runtime', emptyDir: {} }],
  volumeMounts: [{ name: 'runtime', mountPath: runtimeDir }],
  before: [],
}

/** Asks Jupyter on localhost how long it has been idle, and ends with the message `idle`. */
const idleWatch = (timeout: string, config: NotebookSync['config']) => ({
  name: 'idle',
  image: config.images.idle,
  args: ['idle', `--timeout=${timeout}`, `--url=http://127.0.0.1:${port}`],
  resources: toolResources,
  volumeMounts: [{ name: 'runtime', mountPath: runtimeDir, readOnly: true }],
  ...containerSecurity(config),
})

/** The id of the idle container that ended with the message `idle`; it is restarted, so its last state tells. */
function idleContainer({ observed }: NotebookSync): string | undefined {
  const id = observed
    .pods('serve')
    .filter((pod) => !isLeaving(pod))
    .flatMap(containersOf)
    .filter(({ name }) => name === 'idle')
    .flatMap(({ state, lastState }) => [state?.terminated, lastState?.terminated])
    .find((end) => end?.message?.trim() === 'idle')?.containerID
  return id && printable(id).slice(0, 256)
}

/**
 * What status remembers of idleness: a container that was recorded once does not suspend again. Who
 * suspends and resumes wants it to run: nothing is remembered beyond a suspend.
 */
function idleOf(sync: NotebookSync): NotebookStatus['idle'] {
  const known = [sync.parent.status?.idle, notedIdle(sync)].filter((idle) => idle !== undefined)
  // Of a late status and a late note, the one of the present time counts.
  const before = known.find(({ opened }) => opened === openedOf(sync.parent)) ?? known.at(-1)
  const container = idleContainer(sync)
  const { idleTimeout, suspend } = sync.parent.spec
  if (!idleTimeout || suspend) return undefined
  if (!container || known.some((idle) => idle.container === container)) return before
  return idleSince(container, openedOf(sync.parent))
}

const idleSince = (container: string, opened: string | undefined): NotebookStatus['idle'] => ({
  container,
  ...(opened !== undefined && { opened }),
})

/**
 * The StatefulSet that is scaled to none remembers why. Its Pod can be gone before the status that
 * says so comes back with the parent: without the note, such a request would start it again. A note
 * is emptied and never taken away: with the last of our annotations, Metacontroller's merge takes all
 * others too.
 */
function idleNote(
  parent: NotebookSync['parent'],
  workload: Child | undefined,
  idle: NotebookStatus['idle'],
): Readonly<Record<string, string>> | undefined {
  const { generation } = parent.metadata
  if (isIdle(parent, idle)) return { [annotations.idle]: JSON.stringify({ ...idle, generation }) }
  const before = workload?.metadata.annotations?.[annotations.idle]
  return before === undefined ? undefined : { [annotations.idle]: '{}' }
}

/** What the note says, while spec is what it was then: a suspend in between forgets it. */
function notedIdle({ parent, observed }: NotebookSync): NotebookStatus['idle'] {
  const workload = observed.child('StatefulSet', notebookName(parent))
  const note = workload && jsonIn(workload, annotations.idle)
  // Anyone who may edit the StatefulSet can change its annotations: use only what the status allows.
  const idle = prune(idleSchema, note) as NotebookStatus['idle']
  if (!idle?.container || note?.generation !== parent.metadata.generation) return undefined
  return idleSince(idle.container, idle.opened)
}

/** Idle until somebody opens it: until the annotation is another than it was then. */
const isIdle = (parent: NotebookSync['parent'], idle: NotebookStatus['idle']): boolean =>
  idle !== undefined && idle.opened === openedOf(parent)

function verdictOf(
  sync: NotebookSync,
  existing: Child,
  emitted: Child | undefined,
  isStopped: boolean,
): Verdict {
  const { parent, observed, config } = sync
  if (parent.spec.suspend) return no('Suspended', 'spec.suspend is true; the home is kept')
  if (isStopped)
    return no(
      'Idle',
      `idle for ${parent.spec.idleTimeout}; the home is kept: kubectl annotate --overwrite notebook ${parent.metadata.name} ${annotations.opened}="$(date)" wakes it`,
    )
  const pods = observed.pods('serve')
  const { name } = existing.metadata
  const { readyReplicas, updateRevision } = existing.status ?? {}
  const pod = pods.find((one) => !isLeaving(one))
  const isOld =
    pod &&
    ((updateRevision && pod.metadata.labels?.['controller-revision-hash'] !== updateRevision) ||
      !knowsTemplate(existing, emitted))
  if (!readyReplicas) {
    const fault = servingFault(pods, `no Pod yet: kubectl describe statefulset ${name} says why`)
    return isOld
      ? no(
          fault.reason,
          `${fault.message}; kubectl delete pod ${pod.metadata.name} takes the changed spec`,
        )
      : fault
  }
  const note = shrinkNote(parent, observed, config)
  return isOld
    ? yes(
        'UpdatePending',
        `runs with an older spec, so that no kernel is killed: kubectl delete pod ${pod.metadata.name} restarts it${note}`,
      )
    : yes('Serving', `kubectl port-forward svc/${name} ${port}${note}`)
}
