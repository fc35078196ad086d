import { describe, expect, test } from 'vitest'
import { type ConfigFile, configOf } from '../../../crds/config.ts'
import { podFieldNames } from '../../../crds/podtemplate.ts'
import { validate } from '../../../webhooks/review.ts'
import { aConfig, aDataset, aModel, aModelServer, aNotebook, readyOf, sync } from '../../objects.ts'

/** spec.pod: what admission and the hooks refuse, with the same words. */

const image = 'example.com/own:1'
const kinds = {
  Dataset: aDataset,
  Model: aModel,
  ModelServer: (spec: object) => aModelServer({ model: { name: 'falcon' }, ...spec }),
  Notebook: aNotebook,
} as const

const everything: ConfigFile = { podFields: [...podFieldNames] }
const pool = (value: string): ConfigFile => ({
  gpus: {
    default: 'l4',
    profiles: { l4: { resourceName: 'nvidia.com/gpu', nodeSelector: { pool: value } } },
  },
})

interface Refused {
  readonly when: string
  readonly of?: keyof typeof kinds
  readonly pod: object
  readonly spec?: object
  readonly file?: ConfigFile
  readonly says: string
}

const emptyDir = {}
const mounted = (mountPath: string, more: object = {}) => ({
  volumes: [{ name: 'own', emptyDir }],
  container: { volumeMounts: [{ name: 'own', mountPath, ...more }] },
})
const limited = (limits: Readonly<Record<string, number | string>>) => ({
  container: { resources: { limits } },
})
const required = (operator: string, ...values: string[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator, values }] }],
      },
    },
  },
})
const spread = (more: object) => ({
  topologyKey: 'zone',
  maxSkew: 1,
  whenUnsatisfiable: 'ScheduleAnyway',
  ...more,
})

const denied = 'Forbidden: the administrator of this cluster does not allow it (podFields)'

const refusals: Readonly<Record<string, readonly Refused[]>> = {
  'a field that the administrator does not allow': [
    {
      when: 'tolerations',
      pod: { tolerations: [{ operator: 'Exists' }] },
      file: {},
      says: `spec.pod.tolerations: ${denied}`,
    },
    ...['serviceAccountName', 'priorityClassName', 'schedulerName'].map((field) => ({
      when: field,
      pod: { [field]: 'mine' },
      file: {},
      says: `spec.pod.${field}: ${denied}`,
    })),
    {
      when: 'volumes of CSI drivers',
      pod: { volumes: [{ name: 'own', csi: { driver: 'x' } }] },
      file: {},
      says: 'spec.pod.volumes: Forbidden: "own": volumes.csi: the administrator of this cluster',
    },
    {
      when: 'a field of the container',
      pod: { container: { ports: [{ containerPort: 9000 }] } },
      file: { podFields: ['labels'] },
      says: `spec.pod.container.ports: ${denied}`,
    },
  ],
  'what is ours or Kubernetes’ own': [
    ...['substratus.ai/name', 'batch.kubernetes.io/job-name', 'controller-uid'].map((label) => ({
      when: `label ${label}`,
      pod: { labels: { [label]: 'x' } },
      says: `spec.pod.labels: Forbidden: "${label}": reserved for Kubernetes and this project`,
    })),
    ...[
      'substratus.ai/params',
      'metacontroller.k8s.io/last-applied-configuration',
      'container.apparmor.security.beta.kubernetes.io/run',
    ].map((annotation) => ({
      when: `annotation ${annotation}`,
      pod: { annotations: { [annotation]: 'unconfined' } },
      says: `spec.pod.annotations: Forbidden: "${annotation}": reserved`,
    })),
    {
      when: 'the annotation that the storage needs',
      pod: { annotations: { 'gke-gcsfuse/volumes': 'false' } },
      file: { storage: { driver: 'gcs', gcs: { bucket: 'b' } } },
      says: '"gke-gcsfuse/volumes": "false" conflicts with "true", which storage.driver gcs needs',
    },
    {
      when: 'a node label of the GPU profile',
      pod: { nodeSelector: { pool: 'cpu' } },
      spec: { resources: { gpu: { count: 1 } } },
      file: pool('gpu'),
      says: 'spec.pod.nodeSelector: Invalid value: "pool": "cpu" conflicts with "gpu" of the GPU profile "l4"',
    },
    {
      when: 'the name of a volume',
      pod: { volumes: [{ name: 'model', emptyDir }] },
      says: 'spec.pod.volumes: Invalid value: "model" is reserved for a volume of this project',
    },
    ...[
      ['/content/model', '/content/model'],
      ['/content/data/extra', '/content/data'],
      ['/content', '/content/data'],
      ['/run', '/run/jupyter'],
      ['/content/params.json', '/content/params.json'],
    ].map(([path = '', ours]) => ({
      when: `a mount at ${path}`,
      pod: mounted(path),
      says: `spec.pod.container.volumeMounts: Invalid value: "${path}" conflicts with "${ours}"`,
    })),
    {
      when: 'the storage that the loader seals',
      pod: mounted('/storage/cache'),
      spec: { image: undefined, source: 'hf://a/b' },
      says: '"/storage/cache" conflicts with "/storage", which is mounted already',
    },
    {
      when: 'the shared memory of GPUs',
      pod: mounted('/dev/shm'),
      spec: { resources: { gpu: { count: 1 } } },
      says: '"/dev/shm" conflicts with "/dev/shm"',
    },
    {
      when: 'the port that is served',
      of: 'ModelServer',
      pod: { container: { ports: [{ containerPort: 8000 }] } },
      spec: { port: 8000 },
      says: 'spec.pod.container.ports: Invalid value: "8000": 8000 conflicts with "http": 8000',
    },
    {
      when: 'the name of the port that is served',
      of: 'Notebook',
      pod: { container: { ports: [{ name: 'http', containerPort: 9000 }] } },
      says: '"http": 9000 conflicts with "http": 8888',
    },
    ...['falcon-model-artifacts', 'squad-dataset-artifacts', 'explore-notebook-home'].map(
      (claimName) => ({
        when: `claim ${claimName} to write to`,
        pod: { volumes: [{ name: 'own', persistentVolumeClaim: { claimName } }] },
        says: `claim "${claimName}" belongs to a Model, a Dataset or a Notebook: set readOnly: true`,
      }),
    ),
    {
      when: 'root under restricted',
      pod: { securityContext: { runAsUser: 0 } },
      file: { podSecurity: 'restricted' },
      says: 'spec.pod.securityContext.runAsUser: Invalid value: 0 conflicts with podSecurity "restricted"',
    },
  ],
  'limits that cannot be': [
    ...[
      'nvidia.com/gpu',
      'nvidia.com/gpumem',
      'nvidia.com/mig-1g.5gb',
      'amd.com/gpu',
      'gpu.intel.com/i915',
      'volcano.sh/vgpu-number',
      'deviceclass.resource.kubernetes.io/large',
    ].map((resource) => ({
      when: resource,
      pod: limited({ [resource]: 1 }),
      says: `Forbidden: "${resource}": spec.resources.gpu requests GPUs`,
    })),
    ...['kubernetes.io/x', 'requests.example.com/x'].map((resource) => ({
      when: resource,
      pod: limited({ [resource]: 1 }),
      says: `Invalid value: "${resource}": must be`,
    })),
    {
      when: 'a resource of a GPU profile',
      pod: limited({ 'example.com/accelerator': 1 }),
      file: {
        gpus: { default: 'a', profiles: { a: { resourceName: 'example.com/accelerator' } } },
      },
      says: 'Forbidden: "example.com/accelerator"',
    },
    {
      when: 'less memory than is requested',
      pod: limited({ memory: '8Gi' }),
      says: 'memory: "8Gi" is less than "10Gi", which is requested',
    },
    {
      when: 'memory without a unit',
      pod: limited({ memory: 64 }),
      says: '"64" is less than "10Gi", which is requested: "64" is in bytes, write "64Gi" for gibibytes',
    },
    {
      when: 'another limit than the configuration sets',
      pod: limited({ memory: '64Gi' }),
      file: { limits: 'Memory' },
      says: 'memory: "64Gi" conflicts with "10Gi", which is requested and also the limit (limits: Memory)',
    },
    {
      when: 'a request above the limit of the configuration',
      pod: {},
      spec: { resources: { memory: 32 } },
      file: { pods: { Model: limited({ memory: '16Gi' }) } },
      says: 'memory: "16Gi" is less than "32Gi"',
    },
    {
      when: 'no resource',
      pod: limited({ memry: '64Gi' }),
      says: 'Invalid value: "memry": must be',
    },
    {
      when: 'half a device',
      pod: limited({ 'rdma/hca': '500m' }),
      says: 'rdma/hca: "500m" must be an integer',
    },
  ],
  'what the API server would refuse': [
    { when: 'a toleration', pod: { tolerations: [{}] }, says: 'must be Exists' },
    {
      when: 'a toleration with two meanings',
      pod: { tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] },
      says: '"b": the operator Exists takes no value',
    },
    { when: 'In without values', pod: required('In'), says: 'the operator In takes values' },
    { when: 'Exists with values', pod: required('Exists', 'b'), says: 'takes no values' },
    { when: 'Gt with a word', pod: required('Gt', 'b'), says: 'takes one integer' },
    {
      when: 'two constraints alike',
      pod: { topologySpreadConstraints: [spread({}), spread({ maxSkew: 2 })] },
      says: 'Duplicate value: "zone ScheduleAnyway"',
    },
    {
      when: 'a label that is none',
      pod: {
        topologySpreadConstraints: [spread({ labelSelector: { matchLabels: { 'a b': 'c' } } })],
      },
      says: '"a b" is not a valid label key',
    },
    {
      when: 'a value that no label has',
      pod: required('In', 'a b'),
      says: 'values[0]: Invalid value: "a b": should match',
    },
    ...['matchLabelKeys', 'mismatchLabelKeys'].map((field) => ({
      when: `${field} of Pods that are not selected`,
      pod: {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'zone', [field]: ['a'] },
            ],
          },
        },
      },
      says: `spec.pod.affinity: Required value: ${field} needs a labelSelector`,
    })),
    {
      when: 'matchLabelKeys of a constraint without a selector',
      pod: { topologySpreadConstraints: [spread({ matchLabelKeys: ['a'] })] },
      says: 'spec.pod.topologySpreadConstraints: Required value: matchLabelKeys needs a labelSelector',
    },
    {
      when: 'two volumes of a name',
      pod: {
        volumes: [
          { name: 'a', emptyDir },
          { name: 'a', emptyDir },
        ],
      },
      says: 'spec.pod.volumes: Duplicate value: "a"',
    },
    {
      when: 'a mount of no volume',
      pod: { container: { volumeMounts: [{ name: 'a', mountPath: '/a' }] } },
      says: 'Not found: "a": no volume in spec.pod or the configuration has this name',
    },
    {
      when: 'a mount of a volume of the configuration',
      pod: { container: { volumeMounts: [{ name: 'theirs', mountPath: '/a' }] } },
      file: { pods: { Model: { volumes: [{ name: 'theirs', emptyDir }] } } },
      says: 'Not found: "theirs"',
    },
    { when: 'a path with dots', pod: mounted('/a/../content/model'), says: 'must have no "."' },
    {
      when: 'a part of a volume outside it',
      pod: mounted('/a', { subPath: 'a/../../b' }),
      says: '"a/../../b" must have no "."',
    },
    {
      when: 'two ports of a name',
      pod: {
        container: {
          ports: [
            { name: 'metrics', containerPort: 9000 },
            { name: 'metrics', containerPort: 9001 },
          ],
        },
      },
      says: 'spec.pod.container.ports: Duplicate value: "metrics"',
    },
    {
      when: 'a probe of work that ends',
      of: 'Dataset',
      pod: { container: { livenessProbe: { tcpSocket: { port: 80 } } } },
      says: 'spec.pod.container.livenessProbe: Forbidden: the container of a Dataset ends by itself',
    },
    {
      when: 'a port of a probe that is neither a number nor a name',
      of: 'ModelServer',
      pod: { container: { livenessProbe: { tcpSocket: { port: '8080' } } } },
      says: 'spec.pod.container.livenessProbe: Invalid value: "8080" must be an integer, or a name',
    },
    {
      when: 'two headers of a name',
      of: 'Notebook',
      pod: {
        container: {
          startupProbe: {
            httpGet: {
              port: 'http',
              httpHeaders: [
                { name: 'A', value: 'b' },
                { name: 'A', value: 'c' },
              ],
            },
          },
        },
      },
      says: 'spec.pod.container.startupProbe: Duplicate value: "A"',
    },
    {
      when: 'two keys in one file',
      pod: {
        volumes: [
          {
            name: 'own',
            configMap: {
              name: 'c',
              items: [
                { key: 'a', path: 'x' },
                { key: 'b', path: 'x' },
              ],
            },
          },
        ],
      },
      says: 'spec.pod.volumes: Duplicate value: "x"',
    },
    {
      when: 'a claim of one Pod and of others',
      pod: {
        volumes: [
          {
            name: 'own',
            ephemeral: {
              volumeClaimTemplate: {
                spec: {
                  accessModes: ['ReadWriteOncePod', 'ReadWriteOnce'],
                  resources: { requests: { storage: '1Gi' } },
                },
              },
            },
          },
        ],
      },
      says: '"own": ReadWriteOncePod cannot be combined with other access modes',
    },
    {
      when: 'no time to stop a server',
      of: 'ModelServer',
      pod: { terminationGracePeriodSeconds: 5 },
      says: 'spec.pod.terminationGracePeriodSeconds: Invalid value: 5',
    },
    {
      when: 'an image on a cluster that mounts none',
      pod: { volumes: [{ name: 'own', image: { reference: image } }] },
      file: { imageVolumes: 'Disabled' },
      says: '"own": this cluster does not mount images',
    },
  ],
  'what is not in the schema': [
    ...[
      { hostPath: { path: '/' } },
      { projected: { sources: [] } },
      { nfs: { server: 'a', path: '/' } },
    ].map((volume) => ({
      when: `a volume of type ${Object.keys(volume)}`,
      pod: { volumes: [{ name: 'own', ...volume }] },
      says: `spec.pod.volumes[0].${Object.keys(volume)}: unknown field`,
    })),
    ...['hostNetwork', 'hostPID', 'runtimeClassName', 'initContainers', 'nodeName'].map(
      (field) => ({
        when: field,
        pod: { [field]: true },
        says: `spec.pod.${field}: unknown field`,
      }),
    ),
    {
      when: 'a privileged container',
      pod: { container: { securityContext: { privileged: true } } },
      says: 'spec.pod.container.securityContext: unknown field',
    },
    {
      when: 'a probe of another host',
      pod: { container: { livenessProbe: { httpGet: { host: '169.254.169.254', port: 80 } } } },
      says: 'spec.pod.container.livenessProbe.httpGet.host: unknown field',
    },
    {
      when: 'two types of one volume',
      pod: { volumes: [{ name: 'own', emptyDir, secret: { secretName: 'a' } }] },
      says: 'spec.pod.volumes: Invalid value: each volume needs exactly one of',
    },
  ],
}

describe.each(Object.entries(refusals))('%s is refused', (_, cases) => {
  test.each(cases)('$when', ({ of = 'Model', pod, spec, file = everything, says }) => {
    const object = kinds[of]({ image, params: { a: 1 }, ...spec, pod })
    const config = aConfig(file)
    const { allowed, status } = validate(
      { uid: '1', operation: 'CREATE', object, oldObject: null },
      config,
      {},
    ).response
    expect(status?.message).toContain(says)
    expect(allowed).toBe(false)
    const answer = sync(object, [], config)
    expect(readyOf(answer)).toContain('False InvalidSpec: ')
    expect(readyOf(answer)).toContain(says)
    expect(answer.children).toEqual([])
  })
})

describe('an update that leaves a field of spec.pod alone', () => {
  const gpu = { resources: { gpu: { count: 1 } } }
  const updated = (before: object, after: object, file: ConfigFile = everything) =>
    validate(
      {
        uid: '1',
        operation: 'UPDATE',
        object: kinds.ModelServer({ image, ...after }),
        oldObject: kinds.ModelServer({ image, ...before }),
      },
      aConfig(file),
      {},
    ).response

  test.each([
    {
      what: 'adds a GPU whose nodes it contradicts',
      before: { pod: { nodeSelector: { pool: 'cpu' } } },
      change: gpu,
    },
    { what: 'adds a GPU, which needs its path', before: { pod: mounted('/dev/shm') }, change: gpu },
    {
      what: 'serves its port',
      before: { pod: { container: { ports: [{ containerPort: 9000 }] } } },
      change: { port: 9000 },
    },
    {
      what: 'requests more than its limit',
      before: { pod: limited({ memory: '16Gi' }) },
      change: { resources: { memory: 32 } },
    },
    {
      what: 'removes the volume of a mount',
      before: { pod: mounted('/own') },
      change: { pod: { ...mounted('/own'), volumes: [] } },
    },
  ])('and $what is refused', ({ before, change }) => {
    expect(
      updated(before, { ...before, ...change }, { ...everything, ...pool('gpu') }),
    ).toMatchObject({ allowed: false })
  })

  test('that was right once is not refused', () => {
    const pod = { nodeSelector: { pool: 'cpu' } }
    const file = { podFields: ['labels'] } as ConfigFile
    expect(updated({ pod }, { pod, suspend: true }, file).allowed).toBe(true)
    expect(updated({ pod }, { pod: { ...pod, labels: { a: 'b' } } }, file).allowed).toBe(true)
  })
})

describe('what is allowed', () => {
  test.each([
    { what: 'the same value as the GPU profile', pod: { nodeSelector: { pool: 'gpu' } } },
    {
      what: 'what the autoscaler asks people to set',
      pod: { annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' } },
    },
    { what: 'a folder beside those of the contract', pod: mounted('/content/cache') },
    {
      what: 'the data of another object, to read',
      pod: {
        volumes: [
          {
            name: 'own',
            persistentVolumeClaim: { claimName: 'squad-dataset-artifacts', readOnly: true },
          },
        ],
      },
    },
    { what: 'a limit like the request', pod: limited({ memory: '10240Mi' }) },
    { what: 'a device that is no GPU', pod: limited({ 'rdma/hca': 1 }) },
  ])('$what', ({ pod }) => {
    const spec = { image, params: { a: 1 }, resources: { gpu: { count: 1 } }, pod }
    expect(readyOf(sync(aModel(spec), [], aConfig(pool('gpu'))))).not.toContain('InvalidSpec')
  })
})

describe('the configuration obeys the same rules, except podFields', () => {
  test.each<{ when: string; file: ConfigFile; field: string; says: string }>([
    {
      when: 'a label of ours',
      file: { pods: { Model: { labels: { 'substratus.ai/name': 'x' } } } },
      field: 'pods.Model.labels',
      says: 'reserved',
    },
    {
      when: 'a ServiceAccount with two names',
      file: {
        serviceAccounts: { Model: 'a' },
        pods: { Model: { serviceAccountName: 'b' } },
      },
      field: 'pods.Model.serviceAccountName',
      says: '"b" conflicts with "a" of serviceAccounts.Model',
    },
    {
      when: 'a Secret of the tools',
      file: {
        registry: { pushSecretName: 'push' },
        pods: { Notebook: { container: { envFrom: [{ secretRef: { name: 'push' } }] } } },
      },
      field: 'pods.Notebook.container.envFrom',
      says: 'only the tools of this cluster use',
    },
    {
      when: 'a user of the builder',
      file: { pods: { builder: { securityContext: { runAsUser: 0 } } } },
      field: 'pods.builder.securityContext',
      says: 'the builder runs as user and group 1000',
    },
    {
      when: 'a mount over what the loader has',
      file: { pods: { Dataset: mounted('/storage') } },
      field: 'pods.Dataset.container.volumeMounts',
      says: '"/storage" conflicts with "/storage", which the loader of a source mounts',
    },
    {
      when: 'a mount over what objects with a GPU have',
      file: { pods: { ModelServer: mounted('/dev/shm') } },
      field: 'pods.ModelServer.container.volumeMounts',
      says: '"/dev/shm" conflicts with "/dev/shm", which objects with a GPU mount',
    },
    {
      when: 'a mount over the source of a build',
      file: { pods: { builder: mounted('/source') } },
      field: 'pods.builder.container.volumeMounts',
      says: 'conflicts with "/source"',
    },
    {
      when: 'a mount over the credentials of a build',
      file: { pods: { builder: mounted('/secrets/registry') } },
      field: 'pods.builder.container.volumeMounts',
      says: 'conflicts with "/secrets"',
    },
    {
      when: 'a volume with the name of these credentials',
      file: { pods: { builder: { volumes: [{ name: 'pull', emptyDir }] } } },
      field: 'pods.builder.volumes',
      says: '"pull" is reserved for a volume of this project',
    },
  ])('$when', ({ file, field, says }) => {
    const result = configOf(file)
    expect('errors' in result && result.errors).toEqual([
      { field, message: expect.stringContaining(says) },
    ])
  })

  test('it may set what users may not', () => {
    const tolerations = [{ operator: 'Exists' as const }]
    const pods = { Model: { tolerations, priorityClassName: 'low' } }
    expect(configOf({ pods })).toHaveProperty('config.pods', pods)
  })
})
