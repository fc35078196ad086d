import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { kinds } from '../../../crds/kinds.ts'
import { reasons } from '../../../crds/reasons.ts'
import type { Schema } from '../../../crds/schema/builders.ts'
import { customResourceState, presetMetrics } from '../../../generate/monitoring.ts'

const readFrom = (path: string): string =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

type Paths = Readonly<Record<string, readonly string[]>>
interface Metric {
  readonly name: string
  readonly labelsFromPath?: Paths
  readonly each: Readonly<
    Record<
      string,
      {
        readonly path?: readonly string[]
        readonly valueFrom?: readonly string[]
        readonly labelsFromPath?: Paths
      }
    >
  >
}

const { spec } = customResourceState() as {
  spec: {
    resources: {
      groupVersionKind: { kind: string }
      metricNamePrefix: string
      labelsFromPath: Paths
      metrics: Metric[]
    }[]
  }
}

/** The schema of a path; that of an item if the path leads to a list. */
const schemaAt = (schema: Schema, path: readonly string[]): Schema | undefined => {
  const [name, ...rest] = path
  if (name === undefined) return schema.items ?? schema
  const inner = schema.properties?.[name]
  return inner && schemaAt(inner, rest)
}

describe('kube-state-metrics reads fields that exist', () => {
  /** What the API server writes into the metadata of every object. */
  const metadata = { properties: { namespace: {}, name: {}, creationTimestamp: {} } }

  test.each(spec.resources.map(({ groupVersionKind: { kind }, ...one }) => ({ kind, ...one })))(
    'of a $kind',
    ({ kind, labelsFromPath, metrics }) => {
      const of = kinds.find((one) => one.kind === kind)
      const whole = {
        properties: { metadata, spec: of?.spec, status: of?.status },
      } as unknown as Schema
      const missing = (schema: Schema | undefined, paths: readonly (readonly string[])[]) =>
        paths.filter((path) => !schema || !schemaAt(schema, path))
      expect(missing(whole, Object.values(labelsFromPath))).toEqual([])
      for (const { name, labelsFromPath: fromRoot = {}, each } of metrics) {
        const [how] = Object.values(each).filter((value) => typeof value === 'object')
        const { path = [], valueFrom = [], labelsFromPath: fromItem = {} } = how ?? {}
        expect([name, ...missing(whole, [path, ...Object.values(fromRoot)])]).toEqual([name])
        const inner = [valueFrom, ...Object.values(fromItem)]
        expect([name, ...missing(schemaAt(whole, path), inner)]).toEqual([name])
      }
    },
  )

  const ofAll = [
    'created_timestamp_seconds',
    'condition',
    'condition_transition_timestamp_seconds',
    'suspended',
    'progress_percent',
    'progress_started_timestamp_seconds',
    'progress_silent_since_timestamp_seconds',
    'progress_eta_timestamp_seconds',
  ]
  const sleep = [
    'idle_since_timestamp_seconds',
    'idle_woken_timestamp_seconds',
    'idle_waking_seconds',
  ]

  test('and all kinds have the same metrics, except for what only some kinds do', () => {
    expect(
      Object.fromEntries(
        spec.resources.map(({ groupVersionKind: { kind }, metrics }) => [
          kind,
          metrics.map(({ name }) => name),
        ]),
      ),
    ).toEqual({
      Dataset: [...ofAll, 'artifacts_bytes', 'info'],
      Model: [...ofAll, 'artifacts_bytes', 'info'],
      ModelServer: [...ofAll, 'spec_replicas', 'status_replicas', ...sleep, 'info'],
      Notebook: [...ofAll, ...sleep, 'info'],
    })
    expect(new Set(spec.resources.map((one) => one.metricNamePrefix))).toEqual(
      new Set(['substratus']),
    )
  })

  test('each of which is explained in docs/operate.md', () => {
    const docs = readFrom('docs/operate.md')
    const names = new Set(spec.resources.flatMap(({ metrics }) => metrics.map((one) => one.name)))
    for (const name of names) expect(docs).toContain(`\`substratus_${name}`)
  })
})

describe('alerts', () => {
  const file = readFrom('helm/files/alerts.yaml')
  const rules: readonly { alert: string; expr: string }[] = parse(file).groups.flatMap(
    (group: { rules: object[] }) => group.rules,
  )

  test('name only reasons that exist', () => {
    const named = rules.flatMap(({ expr }) =>
      [...expr.matchAll(/reason=~"([^"]+)"/g)].flatMap(([, list = '']) => list.split('|')),
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((reason) => !Object.hasOwn(reasons, reason))).toEqual([])
  })

  test('an object that the controller has never seen is pending, without any condition', () => {
    const { expr = '' } = rules.find(({ alert }) => alert === 'SubstratusObjectPending') ?? {}
    expect(expr.replace(/\s+/g, ' ')).toContain(
      'or substratus_suspended unless on (namespace, name, customresource_kind) substratus_condition{type="Ready"}',
    )
  })

  const docs = readFrom('docs/operate.md')

  test('each is explained in docs/operate.md', () => {
    for (const { alert } of rules) expect(docs).toContain(`| ${alert} |`)
  })

  test('and so is each metric that they read', () => {
    const metrics = rules.flatMap(({ expr }) =>
      [...expr.matchAll(/\bsubstratus_\w+?(?=_count\b|_bucket\b|\b)/g)].map(([name]) => name),
    )
    expect([...new Set(metrics)].sort()).toEqual([
      'substratus_certificate_expiry_timestamp_seconds',
      'substratus_condition',
      'substratus_gateway_requests_total',
      'substratus_progress_silent_since_timestamp_seconds',
      'substratus_request_duration_seconds',
      'substratus_suspended',
      'substratus_watch_silence_seconds',
    ])
    for (const metric of metrics) expect(docs).toMatch(new RegExp(`^\\| \`${metric}\\b`, 'm'))
  })
})

test('each metric of the dashboard is explained in docs/operate.md', () => {
  const metrics = readFrom('helm/files/dashboard.json').match(
    /\bsubstratus_\w+?(?=_count\b|_bucket\b|\b)/g,
  )
  expect(new Set(metrics).size).toBeGreaterThan(15)
  const docs = readFrom('docs/operate.md')
  for (const metric of new Set(metrics)) expect(docs).toMatch(new RegExp(`\`${metric}[\`{]`))
})

test('docs/operate.md lists each row of the dashboard with its panels', () => {
  const rows: { readonly title: string; readonly panels: string[] }[] = []
  for (const { type, title } of JSON.parse(readFrom('helm/files/dashboard.json')).panels)
    if (type === 'row') rows.push({ title, panels: [] })
    else rows.at(-1)?.panels.push(title)
  const lines = rows.map(({ title, panels }) => `| ${title} | ${panels.join(', ')} |`)
  expect(lines).toHaveLength(3)
  expect(readFrom('docs/operate.md')).toContain(lines.join('\n'))
})

test('the monitor knows the presets that have metrics', () => {
  expect(Object.keys(presetMetrics())).toEqual(['vllm', 'vllm-embed', 'llamacpp', 'tei'])
})
