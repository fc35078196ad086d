import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { customResourceState } from '../../generate/monitoring.ts'
import { controllers } from '../../metacontroller/compositecontrollers.ts'
import { findHelm } from '../../platform/binaries/find.ts'
import { admissionWebhooks } from '../../webhooks/configuration.ts'
import { chart, home, imagesAt, release } from './chart.ts'
import type { Shown } from './cluster.ts'

/** Hand-written templates render exactly what the project's own functions return. */

const ca = 'a CA'
const caBundle = Buffer.from(ca).toString('base64')
const tls = ['tls.secretName=certificate', `tls.ca=${ca}`]

const binary = await findHelm({ progress: (line) => console.log(line) })

const renderedBy = (values: readonly string[], ...more: readonly string[]): readonly unknown[] => {
  const set = ['--set', [imagesAt, ...tls, ...values].join()]
  const args = ['template', release, chart, '--namespace', home, ...set, ...more]
  const text = execFileSync(binary, args, { encoding: 'utf8', maxBuffer: 2 ** 24 })
  return parseAllDocuments(text).map((document) => document.toJS())
}
const rendered = (template: string, values: readonly string[]) =>
  renderedBy(values, '--show-only', `templates/${template}.yaml`)

const service = `https://substratus.${home}.svc:443`
const tokenSecret = { namespace: home, name: 'token' }

describe('the server takes reports of progress on a port of its own', () => {
  const portsIn = (values: readonly string[]) => {
    const server = rendered('server', values) as Shown[]
    const of = (kind: string) => server.find((one) => one?.kind === kind)
    const [container] = of('Deployment').spec.template.spec.containers
    return {
      args: container.args.filter((arg: string) => arg.startsWith('--progress')),
      named: container.ports.map(({ name }: Shown) => name),
      service: of('Service').spec.ports.map(({ port, targetPort }: Shown) => [port, targetPort]),
      allowed: of('NetworkPolicy').spec.ingress.map(({ ports, from }: Shown) => [
        ports.map(({ port }: Shown) => port).join(),
        from ? 'some' : 'all',
      ]),
    }
  }
  const from = 'networkPolicy.from[0].namespaceSelector.matchLabels.a=b'

  test('which every Pod may reach', () => {
    expect(portsIn(['hookToken.secretName=token', from])).toEqual({
      args: ['--progress=0.0.0.0:8090', `--progress-url=http://substratus.${home}.svc:8090`],
      named: ['https', 'progress'],
      service: [
        [443, 'https'],
        [8090, 'progress'],
      ],
      allowed: [
        ['https', 'some'],
        ['progress', 'all'],
      ],
    })
  })

  test.each(['progress.enabled=false', 'hookToken.enabled=false'])('but not with %s', (value) => {
    expect(portsIn([value, from])).toEqual({
      args: [],
      named: ['https'],
      service: [[443, 'https']],
      allowed: [['https', 'some']],
    })
  })
})

test.each([
  {
    what: 'a token and claims for devices',
    values: ['hookToken.secretName=token', 'metacontroller.deviceClaims=Enabled'],
    address: { url: service, tokenSecret, deviceClaims: true },
  },
  {
    what: 'neither, at an address outside the cluster',
    values: [
      'hookToken.enabled=false',
      'metacontroller.deviceClaims=Disabled',
      'metacontroller.url=https://hooks:8443',
    ],
    address: { url: 'https://hooks:8443' },
  },
  {
    what: 'two shards',
    values: [
      'hookToken.enabled=false',
      'metacontroller.deviceClaims=Disabled',
      'metacontroller.shards[0].name=a',
      'metacontroller.shards[0].labelSelector.matchLabels.team=a',
      'metacontroller.shards[1].name=b',
      'metacontroller.shards[1].labelSelector.matchExpressions[0].key=team',
      'metacontroller.shards[1].labelSelector.matchExpressions[0].operator=NotIn',
      'metacontroller.shards[1].labelSelector.matchExpressions[0].values={a}',
    ],
    address: {
      url: service,
      shards: [
        { name: 'a', labelSelector: { matchLabels: { team: 'a' } } },
        {
          name: 'b',
          labelSelector: {
            matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['a'] }],
          },
        },
      ],
    },
  },
])('CompositeControllers with $what', ({ values, address }) => {
  const found = rendered('compositecontrollers', values)
  const [, revision = ''] = /\?revision=([0-9a-f]{12})"/.exec(JSON.stringify(found)) ?? []
  expect(found).toEqual(controllers({ ...address, caBundle, revision }))
})

test.each([
  { what: 'the usual path', values: [], base: '/admission' },
  {
    what: 'a secret segment',
    values: ['admissionPath.segment=a-secret-0123456'],
    base: '/admission/a-secret-0123456',
  },
])('webhooks behind $what', ({ values, base }) => {
  const reached = { namespace: home, name: 'substratus', port: 443 }
  expect(rendered('webhooks', values)).toEqual(
    admissionWebhooks({ service: reached, caBundle, base }),
  )
})

describe('what monitors the model servers', () => {
  const monitors = (...values: readonly string[]) =>
    rendered('modelservers', ['modelServerMonitor.enabled=true', ...values]) as readonly Shown[]
  const endpointsOf = ([monitor]: readonly Shown[]) =>
    monitor.spec.podMetricsEndpoints.map(({ path, relabelings: [{ regex }] }: Shown) => ({
      path,
      isKept: (image: string) => new RegExp(`^(?:${regex})$`).test(image),
    }))

  test('scrapes the images of the built-in presets that have metrics, in every version', () => {
    const [{ path, isKept }, ...others] = endpointsOf(monitors())
    expect([path, others]).toEqual(['/metrics', []])
    expect(isKept('docker.io/vllm/vllm-openai:v0.8.5')).toBe(true)
    expect(isKept('vllm/vllm-openai:v0.8.5')).toBe(true)
    expect(isKept('ghcr.io/ggml-org/llama.cpp@sha256:0123')).toBe(true)
    expect(isKept('ghcr.io/ggml-org/whisper.cpp:main')).toBe(false)
    expect(isKept('docker.io/vllm/vllm-openai-other:v1')).toBe(false)
    expect(isKept('registry.example.com/vllm/vllm-openai:v1')).toBe(false)
  })

  test('reads paths and gauges of the presets in the configuration', () => {
    const preset = 'config.servers.presets.own'
    const [monitor, rule] = monitors(
      `${preset}.image=registry:5000/a/own:1@sha256:${'0'.repeat(64)}`,
      `${preset}.metrics.path=/stats`,
      `${preset}.metrics.running=own:running`,
      'config.servers.default=own',
    )
    const [{ path, isKept }] = endpointsOf([monitor])
    expect(path).toBe('/stats')
    expect(isKept('registry:5000/a/own:2')).toBe(true)
    expect(rule.spec.groups[0].rules).toEqual([
      {
        record: 'substratus_modelserver_requests_running',
        expr: 'sum by (namespace, substratus_ai_name) ({__name__=~"own:running"})',
      },
    ])
  })
})

describe('the gateway', () => {
  const gateway = (...values: readonly string[]) =>
    rendered('gateway', ['gateway.enabled=true', ...values]) as readonly Shown[]
  const ofKind = (kind: string, found: readonly Shown[]) =>
    found.find((one) => one.kind === kind) as Shown
  const argsOf = (found: readonly Shown[]): readonly string[] =>
    ofKind('Deployment', found).spec.template.spec.containers[0].args

  test('runs twice, asks for keys, and reaches model servers and the API server alone', () => {
    const found = gateway()
    expect(ofKind('Deployment', found).spec.replicas).toBe(2)
    expect(argsOf(found).join(' ')).not.toMatch(/anonymous|accept-cluster-tokens/)
    const { egress } = ofKind('NetworkPolicy', found).spec
    expect(egress.at(-1).to[0].podSelector.matchLabels).toEqual({
      'substratus.ai/kind': 'modelserver',
      'substratus.ai/stage': 'serve',
    })
    expect(ofKind('PodDisruptionBudget', found).spec.maxUnavailable).toBe(1)
  })

  test('shows its metrics to Prometheus alone, or to whom the values name', () => {
    const allowed = (...values: readonly string[]) =>
      ofKind('NetworkPolicy', gateway(...values))
        .spec.ingress.filter(({ ports }: Shown) => ports[0].port === 'metrics')
        .map(({ from }: Shown) => from)
    const prometheus = { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } }
    expect(allowed()).toEqual([[{ namespaceSelector: {}, podSelector: prometheus }]])
    const monitoring = 'gateway.metricsFrom[0].namespaceSelector.matchLabels.team=monitoring'
    expect(allowed(monitoring)).toEqual([
      [{ namespaceSelector: { matchLabels: { team: 'monitoring' } } }],
    ])
    expect(allowed('gateway.metricsFrom=null')).toEqual([])
  })

  test('is refused if a ServiceMonitor could not read the metrics', () => {
    const closed = ['gateway.enabled=true', 'gateway.metricsFrom=null']
    const render = (...values: readonly string[]) => rendered('checks', [...closed, ...values])
    expect(() => render('serviceMonitor.enabled=true')).toThrow('gateway.metricsFrom is empty')
    // A template that is empty cannot be shown.
    const passed = 'could not find template templates/checks.yaml'
    expect(() => render()).toThrow(passed)
    expect(() => render('serviceMonitor.enabled=true', 'networkPolicy.enabled=false')).toThrow(
      passed,
    )
  })

  test('has no selector in common with the server', () => {
    const [server] = (rendered('server', []) as readonly Shown[]).filter(
      ({ kind }) => kind === 'Service',
    )
    const { labels } = ofKind('Deployment', gateway()).spec.template.metadata
    expect(labels).not.toMatchObject(server.spec.selector)
  })

  test('asks for no keys only if that is said, and then may not ask about them', () => {
    const found = gateway('gateway.anonymous=true')
    expect(argsOf(found)).toContain('--anonymous')
    expect(JSON.stringify(ofKind('ClusterRole', found))).not.toContain('reviews')
  })

  test('starts with arguments that its command knows', () => {
    const flags = argsOf(gateway('gateway.tls.secretName=x', 'gateway.acceptClusterTokens=true'))
    const help = execFileSync(process.execPath, ['cli/main.ts', 'gateway', '--help'], {
      encoding: 'utf8',
    })
    for (const flag of flags.slice(1)) expect(help).toContain(flag.split('=')[0])
  })
})

test('with everything enabled, each object is rendered once', () => {
  const parts = ['gateway', 'metacontroller', 'serviceMonitor', 'modelServerMonitor']
  const more = ['alerts', 'dashboard', 'kubeStateMetrics', 'progress', 'networkPolicy']
  const all = renderedBy(
    [...parts, ...more].map((part) => `${part}.enabled=true`),
  ) as readonly Shown[]
  const names = all
    .filter(Boolean)
    .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`)
  expect(names.length).toBeGreaterThan(40)
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
})

test('kube-state-metrics gets its configuration and its right where it runs', () => {
  const values = ['kubeStateMetrics.enabled=true', 'kubeStateMetrics.namespace=monitoring']
  const found = rendered('kubestatemetrics', values) as readonly Shown[]
  const [config, , binding] = found
  expect(found.map(({ kind }) => kind)).toEqual(['ConfigMap', 'ClusterRole', 'ClusterRoleBinding'])
  expect(config.metadata.namespace).toBe('monitoring')
  expect(parse(config.data['config.yaml'])).toEqual(customResourceState())
  expect(binding.subjects).toEqual([
    { kind: 'ServiceAccount', name: 'kube-state-metrics', namespace: 'monitoring' },
  ])
})

test('the server and the gateway are scraped by the Services that have their metrics', () => {
  const set = ['serviceMonitor.enabled=true', 'gateway.enabled=true']
  const services = [...rendered('server', set), ...rendered('gateway', set)] as readonly Shown[]
  const scraped = (rendered('monitoring', set) as readonly Shown[]).map(({ spec }) => {
    const wanted = Object.entries(spec.selector.matchLabels)
    const [endpoint] = spec.endpoints
    return services
      .filter(({ kind }) => kind === 'Service')
      .filter(({ metadata }) => wanted.every(([label, value]) => metadata.labels[label] === value))
      .filter((it) => it.spec.ports.some(({ name }: Shown) => name === endpoint.port))
      .map(({ metadata }) => `${metadata.name} ${endpoint.honorLabels ?? false}`)
  })
  // The alerts and the dashboard know the two by these names.
  expect(scraped).toEqual([['substratus false'], ['substratus-gateway-metrics true']])
})

test('an object may be pending for as long as the values say', () => {
  const [rules] = rendered('monitoring', ['alerts.enabled=true', 'alerts.pendingFor=2h'])
  const text = JSON.stringify(rules)
  expect(text).toContain('"for":"2h"')
  expect(text).not.toContain('PENDING_FOR')
})
