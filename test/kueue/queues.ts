import { get, ok, type Shown } from '../cluster/cluster.ts'

/** Queues as an administrator sets them up, a ClusterQueue for each test. */

export const queueLabel = 'kueue.x-k8s.io/queue-name'
export const priorityLabel = 'kueue.x-k8s.io/priority-class'

const object = (kind: string, metadata: object, spec: object): object => ({
  apiVersion: 'kueue.x-k8s.io/v1beta2',
  kind,
  metadata,
  ...spec,
})

/** Kueue adds the node labels and tolerations of a flavor to the Pods that it admits. */
const flavor = object(
  'ResourceFlavor',
  { name: 'l4' },
  {
    spec: {
      nodeLabels: { 'nvidia.com/gpu.product': 'NVIDIA-L4' },
      tolerations: [{ key: 'reserved', operator: 'Exists', effect: 'NoSchedule' }],
    },
  },
)

const priority = (name: string, value: number): object =>
  object('WorkloadPriorityClass', { name }, { value })

const covered = ['cpu', 'memory', 'ephemeral-storage', 'nvidia.com/gpu']

const clusterQueue = (name: string, gpus: number, more: object): object =>
  object(
    'ClusterQueue',
    { name },
    {
      spec: {
        namespaceSelector: {},
        resourceGroups: [
          {
            coveredResources: covered,
            flavors: [
              {
                name: 'l4',
                resources: covered.map((resource) => ({
                  name: resource,
                  nominalQuota: resource === 'nvidia.com/gpu' ? gpus : '100Ti',
                })),
              },
            ],
          },
        ],
        ...more,
      },
    },
  )

const localQueue = (namespace: string, name: string, clusterQueue: string): object =>
  object('LocalQueue', { name, namespace }, { spec: { clusterQueue } })

const applied = (...objects: readonly object[]): Promise<string> =>
  ok(
    ['apply', '--server-side', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  )

/** The queue `gpus` of a namespace, with a quota of its own, and the queue `tools` without GPUs. */
export const queues = (namespace: string, gpus: number, more: object = {}): Promise<string> =>
  applied(
    flavor,
    priority('low', 10),
    priority('high', 1000),
    clusterQueue(namespace, gpus, more),
    clusterQueue(`${namespace}-tools`, 0, {}),
    localQueue(namespace, 'gpus', namespace),
    localQueue(namespace, 'tools', `${namespace}-tools`),
  )

/** How many GPUs of a ClusterQueue are reserved. */
export async function reservedGpus(name: string): Promise<number> {
  const { status }: Shown = await get('default', `clusterqueue/${name}`)
  const resources = status?.flavorsReservation?.flatMap((one: Shown) => one.resources) ?? []
  const gpu = resources.find((one: Shown) => one.name === 'nvidia.com/gpu')
  return Number(gpu?.total ?? 0)
}
