import { describe, expect, test } from 'vitest'
import type { ConfigFile } from '../../../../crds/config.ts'
import { podFieldNames } from '../../../../crds/podtemplate.ts'
import {
  aConfig,
  aModel,
  aModelServer,
  aNotebook,
  childrenOf,
  complete,
  type Json,
  sync,
  theChild,
} from '../../../objects.ts'

const image = 'example.com/own:1'
const podFields = [...podFieldNames]
const falcon = complete(aModel({ image }), { url: 'pvc://falcon-model-artifacts/run/1' })

const config = (file: ConfigFile = {}) => aConfig({ podFields, ...file })

const server = (pod: object, file?: ConfigFile, spec: object = {}): Json =>
  theChild(
    sync(aModelServer({ image, model: { name: 'falcon' }, ...spec, pod }), [falcon], config(file)),
    'Deployment',
  ).spec.template

const run = (pod: object | undefined, file?: ConfigFile, spec: object = {}): Json =>
  theChild(
    sync(aModel({ image, params: { a: 1 }, ...spec, ...(pod && { pod }) }), [], config(file)),
    'Job',
  ).spec.template

describe('a GPU profile wins over the configuration, and its tolerations are added', () => {
  const gpus = {
    default: 'l4',
    profiles: {
      l4: {
        resourceName: 'nvidia.com/gpu',
        nodeSelector: { pool: 'gpu' },
        tolerations: [{ key: 'gpu', operator: 'Exists' as const }],
      },
    },
  }
  const spec = { resources: { gpu: { count: 1 } } }

  test('nodes', () => {
    const pods = { Model: { nodeSelector: { pool: 'cpu', zone: 'a', disk: 'ssd' } } }
    const { nodeSelector } = run({ nodeSelector: { zone: 'b' } }, { gpus, pods }, spec).spec
    expect(nodeSelector).toEqual({ pool: 'gpu', zone: 'b', disk: 'ssd' })
  })

  test('tolerations, each once', () => {
    const tolerations = [{ key: 'own' }, { key: 'gpu', operator: 'Exists' }]
    expect(run({ tolerations }, { gpus }, spec).spec.tolerations).toEqual([
      { key: 'own' },
      { key: 'gpu', operator: 'Exists' },
    ])
  })

  test('the object wins over the nodes that bind claims', () => {
    const storage = { pvc: { nodeSelector: { zone: 'a', disk: 'ssd' } } }
    const { nodeSelector } = run({ nodeSelector: { zone: 'b' } }, { storage }).spec
    expect(nodeSelector).toEqual({ zone: 'b', disk: 'ssd' })
  })
})

describe('what is ours stays', () => {
  test('labels of the object are replaced, labels of this project are not', () => {
    const { labels } = server({ labels: { team: 'vision' } }).metadata
    expect(labels).toMatchObject({ team: 'vision', 'substratus.ai/name': 'falcon' })
  })

  test('the group 3003 is a further one beside an fsGroup', () => {
    expect(server({ securityContext: { fsGroup: 100 } }).spec.securityContext).toMatchObject({
      fsGroup: 100,
      supplementalGroups: [3003],
    })
    expect(server({ securityContext: { fsGroup: 3003 } }).spec.securityContext).toEqual(
      server({ labels: {} }).spec.securityContext,
    )
  })

  test('the user is that of the container, not of our own', () => {
    const storage: ConfigFile['storage'] = { driver: 's3', s3: { bucket: 'b' } }
    const { initContainers, containers } = run(
      { securityContext: { runAsUser: 1000 } },
      { storage },
    ).spec
    expect(initContainers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      runAsUser: 1000,
    })
    expect(containers[0].securityContext).toEqual({ allowPrivilegeEscalation: false })
  })

  test('the port that is served comes first: the Service forwards to it', () => {
    const ports = [{ name: 'metrics', containerPort: 9000 }]
    expect(server({ container: { ports } }).spec.containers[0].ports).toEqual([
      { name: 'http', containerPort: 8080, protocol: 'TCP' },
      { name: 'metrics', containerPort: 9000 },
    ])
  })

  test('a server that cuts streams waits as long as the object says', () => {
    const presets = { cuts: { image, drain: { cutsStreams: true } } }
    const servers = { default: 'cuts', presets }
    const own = { terminationGracePeriodSeconds: 300 }
    const { spec } = server(own, { servers }, { image: undefined, runtime: 'cuts' })
    expect(spec.terminationGracePeriodSeconds).toBe(300)
    expect(spec.containers[0].lifecycle.preStop.sleep.seconds).toBe(295)
  })

  test('GPUs stay limits beside others', () => {
    const pod = { container: { resources: { limits: { memory: '64Gi' } } } }
    const spec = { resources: { gpu: { count: 1 } } }
    expect(run(pod, {}, spec).spec.containers[0].resources).toEqual({
      requests: { cpu: '2', memory: '10Gi', 'nvidia.com/gpu': '1' },
      limits: { memory: '64Gi', 'nvidia.com/gpu': '1' },
    })
  })

  test('artifacts of others stay read-only, whatever else is mounted', () => {
    const pod = {
      volumes: [{ name: 'own', emptyDir: {} }],
      container: { volumeMounts: [{ name: 'own', mountPath: '/own' }] },
    }
    const { volumeMounts } = server(pod).spec.containers[0]
    expect(volumeMounts).toContainEqual({
      name: 'model',
      mountPath: '/content/model',
      readOnly: true,
      subPath: 'run/1',
    })
    expect(volumeMounts).toContainEqual({ name: 'own', mountPath: '/own' })
  })

  test('no token of a ServiceAccount is mounted', () => {
    expect(server({ serviceAccountName: 'mine' }).spec).toMatchObject({
      serviceAccountName: 'mine',
      automountServiceAccountToken: false,
    })
  })
})

describe('a Pod is written as the API server stores it', () => {
  test.each([
    {
      what: 'false and empty lists say nothing',
      volume: { configMap: { name: 'a', items: [], optional: false } },
      stored: { configMap: { name: 'a' } },
    },
    { what: 'an empty emptyDir stays', volume: { emptyDir: {} }, stored: { emptyDir: {} } },
    {
      what: 'quantities are canonical',
      volume: { emptyDir: { sizeLimit: '0.5Gi' } },
      stored: { emptyDir: { sizeLimit: '512Mi' } },
    },
    {
      what: 'empty values in a map stay',
      volume: { csi: { driver: 'a', volumeAttributes: { b: '' } } },
      stored: { csi: { driver: 'a', volumeAttributes: { b: '' } } },
    },
  ])('$what', ({ volume, stored }) => {
    const { volumes } = server({ volumes: [{ name: 'own', ...volume }] }).spec
    expect(volumes.at(-1)).toEqual({ name: 'own', ...stored })
  })

  test('a selector may ask for the empty value', () => {
    const expressions = [{ key: 'a', operator: 'NotIn', values: [''] }]
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: expressions }],
        },
      },
    }
    expect(server({ affinity }).spec.affinity).toEqual(affinity)
  })

  test('a probe that waits for no time', () => {
    const livenessProbe = { httpGet: { port: 'http' }, initialDelaySeconds: 0, periodSeconds: 5 }
    const [container] = server({ container: { livenessProbe } }).spec.containers
    expect(container.livenessProbe).toEqual({ httpGet: { port: 'http' }, periodSeconds: 5 })
    expect(container.readinessProbe).toMatchObject({ httpGet: { path: '/' } })
  })

  test('nothing is said by an empty object', () => {
    expect(run({})).toEqual(run(undefined))
    expect(run({ labels: {}, tolerations: [], container: {} }).spec).toEqual(run(undefined).spec)
  })
})

describe('a build takes the annotations of an object, and all that the configuration says', () => {
  const build = { git: { url: 'https://example.com/r' } }
  const pods = {
    builder: {
      nodeSelector: { pool: 'build' },
      container: { resources: { limits: { memory: '8Gi' } } },
    },
  }
  const pod = {
    annotations: { owner: 'me' },
    nodeSelector: { pool: 'gpu' },
    volumes: [{ name: 'own', emptyDir: {} }],
    container: { volumeMounts: [{ name: 'own', mountPath: '/own' }] },
  }
  const template = (file: ConfigFile): Json => {
    const answer = sync(aNotebook({ build, pod }), [], config(file))
    return childrenOf(answer, 'Job')[0]?.spec.template
  }

  test('annotations', () => {
    expect(template({}).metadata.annotations).toEqual({
      owner: 'me',
      'kubectl.kubernetes.io/default-container': 'build',
    })
  })

  test('nothing else of the object', () => {
    const { spec } = template({})
    expect(spec.nodeSelector).toBeUndefined()
    expect(JSON.stringify(spec)).not.toContain('/own')
  })

  test('pods.builder', () => {
    const { spec } = template({ pods })
    expect(spec.nodeSelector).toEqual({ pool: 'build' })
    expect(spec.containers[0].resources.limits).toEqual({ memory: '8Gi' })
    expect(spec.initContainers[0].resources.limits).toBeUndefined()
  })
})
