import { labels } from '../../crds/kind.ts'
import { hash } from '../../crds/names.ts'

/**
 * Objects of others. Half of them have labels like ours, as copies of our children have. None has the uid of
 * an object of ours in `controller-uid`, by which Metacontroller finds the parents of an orphan.
 */

/** The label of all of them. */
export const bystander = 'bench.example.com/bystander'

const labelsOf = (index: number): Readonly<Record<string, string>> => ({
  [bystander]: 'true',
  ...(index % 2 && {
    [labels.kind]: 'model',
    [labels.name]: 'm-00000',
    [labels.stage]: 'run',
    [labels.parentUid]: hash(index),
    'controller-uid': hash(index),
  }),
})

const containers = [{ name: 'main', image: 'example.com/other:1' }]

export const foreignPod = (name: string, index: number): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: labelsOf(index) },
  spec: { containers },
})

/** What a bystander is in the API server, and how one is made. */
export interface BystanderKind {
  readonly apiVersion: string
  readonly plural: string
  readonly made: (name: string, index: number) => object
}

/** The kinds of our children. */
export const bystanderKinds: readonly BystanderKind[] = [
  {
    apiVersion: 'batch/v1',
    plural: 'jobs',
    made: (name, index) => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, labels: labelsOf(index) },
      spec: { template: { spec: { containers, restartPolicy: 'Never' } } },
    }),
  },
  {
    apiVersion: 'v1',
    plural: 'persistentvolumeclaims',
    made: (name, index) => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, labels: labelsOf(index) },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    }),
  },
  {
    apiVersion: 'apps/v1',
    plural: 'deployments',
    made: (name, index) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels: labelsOf(index) },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { ...labelsOf(index), app: name } }, spec: { containers } },
      },
    }),
  },
]
