import { annotations } from '../crds/kind.ts'
import { claimName } from '../crds/names.ts'
import { Notebook, type NotebookSpec } from '../crds/notebook.ts'
import { notebookName } from './children/metadata.ts'
import { denyIngress } from './children/networkpolicy.ts'
import { service } from './children/service.ts'
import { statefulSet } from './children/statefulset.ts'
import { hookOf } from './engine/hook.ts'
import { idlenessOf } from './engine/idleness.ts'
import type { Facts } from './engine/read.ts'
import type { Beside, ServeStage } from './engine/stage.ts'
import { isLeaving, knowsTemplate, servingFault } from './observe/diagnosis.ts'
import type { Records } from './observe/memory.ts'
import type { Child } from './observe/protocol.ts'
import { no, type Verdict, yes } from './observe/verdict.ts'
import { resultMount } from './pod/mounts.ts'
import { toolResources } from './pod/resources.ts'
import { containerSecurity } from './pod/security.ts'
import { container, contentMounts, gpuPodBase, podMetadata } from './pod/template.ts'
import { joined, type Mounts } from './pod/volumes.ts'
import { claimOf, shrinkNote } from './storage/pvc.ts'
import { buildStage, ownImage } from './work/buildstage.ts'

/**
 * A Notebook is built and serves:
 *
 *     build ──▶ serve ──▶ Ready
 *
 * A StatefulSet of one Pod runs Jupyter on port 8888 with its home on a claim that survives suspend.
 * The way in is port-forwarding alone: a NetworkPolicy denies the rest.
 */
export const notebook = hookOf(Notebook, {
  children: ['Job', 'StatefulSet', 'Service', 'NetworkPolicy', 'PersistentVolumeClaim'],
  stages: (facts) => [
    buildStage(facts.parent, facts.config, 'the image is given, or the administrator’s'),
    serve(facts),
  ],
  claims: ({ parent, observed, config }) => [{ claim: claimOf(parent, observed, config) }],
  beside,
  status: (facts, records) => {
    const image = imageOf(facts, records)
    const { remembered } = idlenessOf(facts, workloadOf(facts))
    return { ...(image && { image }), ...(remembered && { idle: remembered }) }
  },
  done: () => yes('Serving', 'serving'),
})

type NotebookFacts = Facts<NotebookSpec>

const port = 8888

const workloadOf = ({ parent, observed }: NotebookFacts): Child | undefined =>
  observed.child('StatefulSet', notebookName(parent))

/** Without build and image, the administrator's; while a build is not done, none. */
const imageOf = ({ parent, config }: NotebookFacts, records: Records): string | undefined =>
  ownImage(parent, records) ?? (parent.spec.build ? undefined : config.images.notebook)

function beside(parent: NotebookFacts['parent']): Beside {
  const name = notebookName(parent)
  return () => [service(parent, name, port, port, true), denyIngress(parent, name)]
}

function serve(facts: NotebookFacts): ServeStage {
  const { parent, references } = facts
  const name = notebookName(parent)
  const workload = workloadOf(facts)
  const { isIdle, annotations } = idlenessOf(facts, workload)
  const replicas = parent.spec.suspend || isIdle ? 0 : 1
  return {
    does: 'serve',
    condition: 'Serving',
    needs: Object.values(references),
    refuse: undefined,
    workload,
    replicas,
    annotations,
    wanted: (records) => statefulSet(parent, name, replicas, template(facts, records)),
    beside: beside(parent),
    verdict: (existing, emitted) => verdictOf(facts, existing, emitted, isIdle),
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

function template(facts: NotebookFacts, records: Records) {
  const { parent, references, config } = facts
  const { spec } = parent
  const mounts = joined(
    resultMount('model', references.model ?? { state: 'none' }, config),
    resultMount('data', references.data ?? { state: 'none' }, config),
    home(facts),
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
          image: imageOf(facts, records) ?? '',
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

const home = ({ parent }: NotebookFacts): Mounts => ({
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
const idleWatch = (timeout: string, config: NotebookFacts['config']) => ({
  name: 'idle',
  image: config.images.idle,
  args: ['idle', `--timeout=${timeout}`, `--url=http://127.0.0.1:${port}`],
  resources: toolResources,
  volumeMounts: [{ name: 'runtime', mountPath: runtimeDir, readOnly: true }],
  ...containerSecurity(config),
})

function verdictOf(
  facts: NotebookFacts,
  existing: Child,
  emitted: Child | undefined,
  isStopped: boolean,
): Verdict {
  const { parent, observed, config } = facts
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
