import { beforeAll, describe, expect, test } from 'vitest'
import { readManifests } from '../../cli/manifests.ts'
import { simulate } from '../../cli/simulate.ts'
import { type Config, type ConfigFile, configOf } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { Child } from '../objects.ts'
import { mistyped } from '../objects.ts'
import { kubectl, namespace, ok } from './cluster.ts'

/** Objects that use the fields that the examples do not. */
const more = [
  {
    kind: 'Model',
    metadata: { name: 'everything', labels: { 'kueue.x-k8s.io/queue-name': 'team-a' } },
    spec: {
      build: {
        git: {
          url: 'ssh://git@example.com/repo.git',
          commit: 'a'.repeat(40),
          path: 'a/b',
          secretName: 'key',
        },
        dockerfile: 'Dockerfile.gpu',
        target: 'train',
        args: { VERSION: '1' },
      },
      command: ['python', 'train.py'],
      args: ['--fast'],
      env: { TOKEN: '${{ secrets.hf.token }}', PLAIN: 'x' },
      params: { epochs: 3, rate: 0.5, shuffle: true, name: 'x' },
      resources: { cpu: '0.5', memory: '1.5Gi', disk: '1024Mi', gpu: { count: 2 } },
      imagePullSecrets: ['mine'],
      runPolicy: { backoffLimit: 3, activeDeadlineSeconds: 3600, ttlSecondsAfterFinished: 60 },
    },
  },
  {
    kind: 'ModelServer',
    metadata: { name: 'rolled' },
    spec: {
      model: { name: 'everything' },
      image: 'example.com/server:1',
      replicas: 2,
      port: 9000,
      health: '/ok',
    },
  },
  {
    kind: 'ModelServer',
    metadata: { name: 'sleeper' },
    spec: { model: { name: 'everything' }, image: 'example.com/server:1', idleTimeout: '1h' },
  },
  {
    kind: 'Notebook',
    metadata: { name: 'own-command' },
    spec: { command: ['code-server'], resources: { gpu: { type: 'nvidia-h100', count: 2 } } },
  },
].map((object) => mistyped<Parent>({ apiVersion: 'substratus.ai/v1', ...object }))

const objects = [...readManifests('examples').manifests.map(({ object }) => object), ...more]

const registry = { prefix: 'registry.example.com/substratus' }

const configs: readonly { readonly title: string; readonly file: ConfigFile }[] = [
  { title: 'the default', file: { registry, imageVolumes: 'Disabled' } },
  {
    title: 'everything set',
    file: {
      registry: { ...registry, pushSecretName: 'push', pullSecretName: 'pull', insecure: true },
      imageVolumes: 'Enabled',
      storage: {
        pvc: {
          className: 'standard',
          accessModes: ['ReadWriteMany'],
          nodeSelector: { zone: 'a' },
        },
      },
      gpus: {
        default: 'nvidia-l4',
        profiles: {
          'nvidia-h100': { deviceClassName: 'gpu.nvidia.com' },
          ...Object.fromEntries(
            ['nvidia-l4', 'nvidia-a100'].map((name) => [
              name,
              {
                resourceName: 'nvidia.com/gpu',
                nodeSelector: { gpu: name },
                tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
                runtimeClassName: 'nvidia',
              },
            ]),
          ),
        },
      },
      podSecurity: 'restricted',
      userNamespaces: true,
      limits: 'All',
      builder: { seccomp: 'Localhost/builder.json', appArmor: 'Localhost/builder' },
      git: { knownHosts: 'example.com ssh-ed25519 AAAA', caBundle: 'PEM' },
    },
  },
  {
    title: 'a bucket of Google Cloud Storage in the',
    file: { registry, storage: { driver: 'gcs', gcs: { bucket: 'models', prefix: 'team' } } },
  },
]

const configFrom = (file: ConfigFile): Config => {
  const result = configOf(file)
  if ('errors' in result) throw new Error(JSON.stringify(result.errors))
  return result.config
}

const listOf = (items: readonly unknown[]): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'List', items })

const create = (ns: string, items: readonly unknown[]) =>
  kubectl(['-n', ns, 'create', '--dry-run=server', '--validate=strict', '-f', '-'], listOf(items))

let ns = ''
let baseline = ''
let restricted = ''

beforeAll(async () => {
  ns = await namespace('children')
  const runtime = { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', handler: 'nvidia' }
  await ok(['apply', '-f', '-'], JSON.stringify({ ...runtime, metadata: { name: 'nvidia' } }))
  ;[baseline, restricted] = (await Promise.all(
    ['baseline', 'restricted'].map(async (level) => {
      const name = await namespace(level)
      await ok(['label', 'namespace', name, `pod-security.kubernetes.io/enforce=${level}`])
      return name
    }),
  )) as [string, string]
})

describe.each(configs)('with $title configuration', ({ file }) => {
  const children = simulate(objects, configFrom(file), false).flatMap((life) => life.children)
  const pods = children
    .filter(({ kind }) => ['Job', 'Deployment', 'StatefulSet'].includes(kind))
    .map(podOf)

  test('the API server stores every child exactly as rendered', async () => {
    expect(children.length).toBeGreaterThan(file.storage?.driver === 'gcs' ? 20 : 30)
    const { code, stderr } = await create(ns, children)
    expect(withoutAdvice(stderr)).toBe('')
    expect(code).toBe(0)
  })

  test('no child is a Secret or a ConfigMap', () => {
    expect(children.map(({ kind }) => kind)).not.toContain('Secret')
    expect(children.map(({ kind }) => kind)).not.toContain('ConfigMap')
  })

  test('every Pod except the builder’s passes Pod Security', async () => {
    const level = file.podSecurity === 'restricted' ? restricted : baseline
    const { code, stderr } = await create(
      level,
      pods.filter((pod) => !isBuilder(pod)),
    )
    expect(withoutAdvice(stderr)).toBe('')
    expect(code).toBe(0)
  })
})

test('the builder’s Pod is the exception, unless it has Localhost profiles', async () => {
  const buildersOf = (file: ConfigFile) =>
    simulate(objects, configFrom(file), false)
      .flatMap((life) => life.children)
      .filter(({ kind }) => kind === 'Job')
      .map(podOf)
      .filter(isBuilder)
  const [byDefault, profiled] = configs.map(({ file }) => buildersOf(file))
  const refused = await create(baseline, byDefault ?? [])
  expect(refused.stderr).toContain('violates PodSecurity "baseline:latest"')
  expect(refused.stderr).toContain('seccompProfile')
  const taken = await create(baseline, profiled ?? [])
  expect(withoutAdvice(taken.stderr)).toBe('')
})

/** The Pod that a child's controller would create. */
const podOf = ({ metadata, spec }: Child) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { ...spec.template.metadata, name: metadata.name },
  spec: { restartPolicy: 'Never', ...spec.template.spec },
})

const isBuilder = ({ spec }: ReturnType<typeof podOf>): boolean =>
  spec.containers.some(({ name }: { name: string }) => ['build', 'package'].includes(name))

/** kubectl warns about what a cluster may lack, such as a RuntimeClass; only errors count here. */
const withoutAdvice = (stderr: string): string =>
  stderr
    .split('\n')
    .filter((line) => !line.startsWith('Warning:'))
    .join('\n')
