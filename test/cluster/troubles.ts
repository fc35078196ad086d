import { storageClass } from '../../platform/controlplane/fakenodes.ts'
import { failed } from '../objects.ts'
import { apply, manifest, ok } from './cluster.ts'

/**
 * Failures on real nodes, and the exact message of each in `kubectl get`. The cluster tier causes them;
 * the unit tier passes the resulting objects to the hooks.
 */
const image = 'example.com/train:1'
export const simulate = (what: string) => ({ labels: { simulate: what } })

export interface Trouble {
  readonly when: string
  readonly kind: 'Model' | 'ModelServer'
  readonly spec: object
  readonly simulate?: string
  /** Something in the namespace that causes the failure. */
  readonly given?: (ns: string) => Promise<unknown>
  /** The workload and its Pod as a cluster shows them, for the unit tier. */
  readonly workload?: unknown
  readonly pod?: unknown
  /** The message of the workload's FailedCreate Event, for the unit tier. */
  readonly event?: string
  readonly says: RegExp
  readonly mend: (ns: string) => Promise<unknown>
  readonly after: RegExp
}

export const work = { image, params: { epochs: 1 } }
const serves = { model: { name: 'base' } }

const unlabelPods = async (ns: string) => ok(['-n', ns, 'label', 'pods', '--all', 'simulate-'])
/** Applies the object with other parameters, and simulates nothing. */
const changed = (ns: string) => apply(ns, manifest('Model', 'it', { image, params: { epochs: 2 } }))
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const exactly = (text: string): RegExp => new RegExp(`^${escaped(text)}$`)

const quota = JSON.stringify({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'none' },
  spec: { hard: { pods: '0' } },
})
/** The user’s own claim, for a Model with the source pvc://lost. */
const claim = (storageClassName: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'lost' },
    spec: {
      storageClassName,
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
    },
  })
const storageClassNamed = (name: string) => JSON.stringify({ ...storageClass, metadata: { name } })
const labelNamespace = (ns: string, label: string) => ok(['label', 'namespace', ns, label])

const unscheduled = (message: string) => ({
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
})
const pending = (container: object) => ({ phase: 'Pending', containerStatuses: [container] })
const ended = (terminated: object) => ({
  phase: 'Failed',
  containerStatuses: [{ name: 'run', state: { terminated } }],
})
const refused = (message: string) => ({
  conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }],
})

export const troubles: readonly Trouble[] = [
  {
    when: 'more GPUs than any node has',
    kind: 'Model',
    spec: { ...work, resources: { gpu: { type: 'nvidia-l4', count: 64 } } },
    pod: unscheduled(
      '0/4 nodes are available: 4 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.',
    ),
    says: /^False Unschedulable: 0\/\d+ nodes are available: \d+ Insufficient nvidia\.com\/gpu$/,
    mend: changed,
    after: /^True Done: /,
  },
  {
    when: 'an image that does not exist',
    kind: 'ModelServer',
    spec: serves,
    simulate: 'pull',
    pod: pending({
      name: 'server',
      image: 'example.com/base:1',
      state: {
        waiting: {
          reason: 'ImagePullBackOff',
          message:
            'Back-off pulling image "example.com/base:1": ErrImagePull: failed to resolve reference "example.com/base:1": not found',
        },
      },
    }),
    says: exactly(
      'False ImagePullFailed: container "server": cannot pull image "example.com/base:1": failed to resolve reference "example.com/base:1": not found',
    ),
    mend: unlabelPods,
    after: /^True Serving: /,
  },
  {
    when: 'a key of a Secret that does not exist',
    kind: 'ModelServer',
    spec: serves,
    simulate: 'secret',
    pod: pending({
      name: 'server',
      image: 'example.com/base:1',
      state: {
        waiting: {
          reason: 'CreateContainerConfigError',
          message: "couldn't find key token in Secret hub",
        },
      },
    }),
    says: exactly(
      'False ContainerConfigError: container "server": couldn\'t find key token in Secret hub',
    ),
    mend: unlabelPods,
    after: /^True Serving: /,
  },
  {
    when: 'a program that exits with 3 and a last word',
    kind: 'Model',
    spec: work,
    simulate: 'exit',
    workload: failed(),
    pod: ended({
      exitCode: 3,
      reason: 'Error',
      message: 'epoch 1 of 3\nCUDA error: out of luck\n',
    }),
    says: exactly(
      'False Failed: container "run" exited with 3: epoch 1 of 3 | CUDA error: out of luck',
    ),
    mend: changed,
    after: /^True Done: /,
  },
  {
    when: 'a program that uses too much memory',
    kind: 'Model',
    spec: work,
    simulate: 'oom',
    workload: failed(),
    pod: ended({ exitCode: 137, reason: 'OOMKilled' }),
    says: exactly('False OOMKilled: container "run" was killed for using more memory than it may'),
    mend: changed,
    after: /^True Done: /,
  },
  {
    when: 'a server that crashes again and again',
    kind: 'ModelServer',
    spec: serves,
    simulate: 'crash',
    pod: pending({
      name: 'server',
      restartCount: 2,
      state: { running: {} },
      lastState: { terminated: { exitCode: 1, message: 'no kernel image for this device' } },
    }),
    says: exactly(
      'False CrashLooping: container "server" exited with 1: no kernel image for this device',
    ),
    mend: unlabelPods,
    after: /^True Serving: /,
  },
  {
    when: 'a server that never answers',
    kind: 'ModelServer',
    spec: serves,
    simulate: 'silent',
    pod: { ...pending({ name: 'server', state: { running: {} } }), phase: 'Running' },
    says: /^False Starting: Pod "it-server-\S+" runs and does not answer yet$/,
    mend: unlabelPods,
    after: /^True Serving: /,
  },
  {
    when: 'a Pod that is evicted: it is tried again',
    kind: 'Model',
    spec: { ...work, runPolicy: { maxDisruptions: 1000 } },
    simulate: 'evict',
    pod: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' },
    says: /^False Running: trying again after: Pod Evicted: The node was low on resource: memory\.(; it was disrupted (once|\d+ times))?$/,
    mend: changed,
    after: /^True Done: /,
  },
  {
    when: 'a claim of a class that does not exist',
    kind: 'ModelServer',
    spec: { ...serves, model: { name: 'kept' } },
    given: async (ns) => {
      await apply(ns, claim(`class-of-${ns}`))
      await apply(ns, manifest('Model', 'kept', { source: 'pvc://lost/model' }))
    },
    pod: unscheduled(
      '0/4 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found',
    ),
    says: exactly(
      'False Pending: waiting for claim "lost" to be bound: kubectl describe pvc lost says why',
    ),
    mend: (ns) => ok(['create', '-f', '-'], storageClassNamed(`class-of-${ns}`)),
    after: /^True Serving: /,
  },
  {
    when: 'a claim that does not exist',
    kind: 'ModelServer',
    spec: { ...serves, model: { name: 'kept' } },
    given: (ns) => apply(ns, manifest('Model', 'kept', { source: 'pvc://lost/model' })),
    pod: unscheduled('0/4 nodes are available: persistentvolumeclaim "lost" not found. not found'),
    says: /^False Unschedulable: 0\/\d+ nodes are available: persistentvolumeclaim "lost" not found$/,
    mend: (ns) => apply(ns, claim('standard')),
    after: /^True Serving: /,
  },
  {
    when: 'a quota that is used up',
    kind: 'ModelServer',
    spec: serves,
    given: (ns) => apply(ns, quota),
    workload: refused(
      'pods "it-server-7c5d-x7k2p" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0',
    ),
    says: /^False PodRefused: pods "it-server-\S+" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0$/,
    mend: (ns) => ok(['-n', ns, 'delete', 'resourcequota', 'none']),
    after: /^True Serving: /,
  },
  {
    when: 'a quota that is used up, for a Job',
    kind: 'Model',
    spec: work,
    given: (ns) => apply(ns, quota),
    event:
      'Error creating: pods "it-model-run-0a1b2c3d-x7k2p" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0',
    says: /^False PodRefused: pods "it-model-run-\w{8}" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0$/,
    mend: (ns) => ok(['-n', ns, 'delete', 'resourcequota', 'none']),
    after: /^True Done: /,
  },
  {
    when: 'Pod Security that refuses the Pod',
    kind: 'ModelServer',
    spec: serves,
    given: (ns) => labelNamespace(ns, 'pod-security.kubernetes.io/enforce=restricted'),
    workload: refused(
      'pods "it-server-7c5d-x7k2p" is forbidden: violates PodSecurity "restricted:latest": unrestricted capabilities (container "server" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "server" must set securityContext.runAsNonRoot=true)',
    ),
    says: /^False PodRefused: pods "it-server-\S+" is forbidden: violates PodSecurity "restricted:latest": unrestricted capabilities \(container "server" must set securityContext\.capabilities\.drop=\["ALL"\]\), runAsNonRoot != true \(pod or container "server" must set securityContext\.runAsNonRoot=true\)$/,
    mend: (ns) => labelNamespace(ns, 'pod-security.kubernetes.io/enforce-'),
    after: /^True Serving: /,
  },
]
