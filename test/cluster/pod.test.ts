import { describe, expect, test } from 'vitest'
import {
  apply,
  failures,
  jobsCreated,
  manifest,
  namespace,
  nudge,
  ok,
  patch,
  untilReady,
  writes,
} from './cluster.ts'
import { work } from './troubles.ts'

/** spec.pod on a real API server and a real scheduler. */

test('a Job that no node takes is repaired by correcting spec.pod', async () => {
  const ns = await namespace('pod-selector')
  const spec = { ...work, package: 'Never' }
  const pod = { nodeSelector: { 'example.com/pool': 'gone' } }
  await apply(ns, manifest('Model', 'it', { ...spec, pod }))
  await untilReady(ns, 'model/it', 'False Unschedulable')
  const [first] = jobsCreated(ns)
  await patch(ns, 'model/it', {
    pod: { nodeSelector: { 'example.com/pool': null, 'kubernetes.io/os': 'linux' } },
  })
  await untilReady(ns, 'model/it', 'True Done')
  // The same attempt, so the same name; and no third time.
  const runs = () => jobsCreated(ns).filter((name) => name.includes('-run-'))
  expect(runs()).toEqual([first, first])
  await patch(ns, 'model/it', { pod: null })
  await nudge(ns, 'model/it')
  await untilReady(ns, 'model/it', 'True Done')
  expect(runs()).toHaveLength(2)
})

const selector = { matchLabels: { team: 'nlp' } }
const full = {
  annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false', empty: '' },
  labels: { team: 'nlp' },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 1,
          preference: { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['', 'b'] }] },
        },
      ],
    },
    podAffinity: {},
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [],
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          podAffinityTerm: {
            topologyKey: 'kubernetes.io/hostname',
            labelSelector: selector,
            namespaceSelector: {},
          },
        },
      ],
    },
  },
  topologySpreadConstraints: [
    {
      topologyKey: 'topology.kubernetes.io/zone',
      maxSkew: 1,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: selector,
      matchLabelKeys: ['pod-template-hash'],
    },
  ],
  terminationGracePeriodSeconds: 90,
  securityContext: { runAsUser: 1000, runAsGroup: 0, fsGroup: 100 },
  volumes: [
    { name: 'scratch', emptyDir: { sizeLimit: '1024Mi' } },
    { name: 'settings', configMap: { name: 'settings', optional: true, items: [] } },
    { name: 'token', secret: { secretName: 'token', optional: true, defaultMode: 256 } },
    {
      name: 'fast',
      ephemeral: {
        volumeClaimTemplate: {
          spec: {
            accessModes: ['ReadWriteOnce'],
            resources: { requests: { storage: '0.5Gi' } },
          },
        },
      },
    },
  ],
  container: {
    volumeMounts: [
      { name: 'scratch', mountPath: '/scratch', readOnly: false },
      { name: 'settings', mountPath: '/etc/settings', subPath: 'a/b' },
      { name: 'token', mountPath: '/etc/token', readOnly: true },
      { name: 'fast', mountPath: '/fast' },
    ],
    envFrom: [{ prefix: 'A_', configMapRef: { name: 'settings', optional: true } }],
    ports: [{ name: 'metrics', containerPort: 9000 }],
    workingDir: '/srv',
    startupProbe: {
      httpGet: { path: '/up', port: 'http', httpHeaders: [{ name: 'X-A', value: 'b' }] },
      initialDelaySeconds: 0,
      failureThreshold: 600,
    },
    livenessProbe: { grpc: { port: 9000, service: '' } },
    resources: { limits: { cpu: 4, memory: '0.5Ti', 'ephemeral-storage': '10G' } },
  },
}

/** The controllers of Kubernetes write the status of a Deployment again and again, and may meet a conflict. */
const isOurs = (line: string): boolean => !line.startsWith('system:serviceaccount:kube-system:')

describe('all fields at once', () => {
  test('a server settles: the API server stores them as they are written', async () => {
    const ns = await namespace('pod-full')
    await apply(ns, manifest('Model', 'm', { image: 'example.com/base:1' }))
    await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' }, pod: full }))
    await untilReady(ns, 'modelserver/s', 'True Serving')
    const updates = () =>
      writes(ns).filter((line) => isOurs(line) && / deployments\/s-server$/.test(line))
    await nudge(ns, 'modelserver/s')
    const before = updates()
    await nudge(ns, 'modelserver/s')
    await nudge(ns, 'modelserver/s')
    expect(updates()).toEqual(before)
    expect(failures(ns).filter(isOurs)).toEqual([])
  })

  test('a training is done with them, but for probes', async () => {
    const ns = await namespace('pod-job')
    const { startupProbe, livenessProbe, ...container } = full.container
    await apply(ns, manifest('Model', 'it', { ...work, pod: { ...full, container } }))
    await untilReady(ns, 'model/it', 'True Done')
    // The run, the seal and the package, once each: what was applied is what is rendered again.
    expect(jobsCreated(ns)).toHaveLength(3)
  })
})

test.each([
  ['modelserver.spec.pod', 'beyond the fields of the spec'],
  ['modelserver.spec.pod.container', 'The container that runs your program'],
  ['model.spec.pod.affinity.podAntiAffinity', 'Away from which other Pods'],
])('kubectl explain knows %s', async (path, words) => {
  expect((await ok(['explain', path])).replaceAll(/\s+/g, ' ')).toContain(words)
})

test('kubectl explain adds nothing to what a list or a map says of itself', async () => {
  const said = (await ok(['explain', 'modelserver.spec.adapters'])).replaceAll(/\s+/g, ' ')
  expect(said).toMatch(/ DESCRIPTION: LoRA adapters .* under its name\. FIELDS: /)
})
