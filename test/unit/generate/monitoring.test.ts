import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { kinds } from '../../../crds/kinds.ts'
import { reasons } from '../../../crds/reasons.ts'
import type { Schema } from '../../../crds/schema/builders.ts'
import { customResourceState, presetMetrics } from '../../../generate/monitoring.ts'

interface Metric {
  readonly name: string
  readonly each: Readonly<
    Record<string, { readonly path?: string[]; readonly labelsFromPath?: Record<string, string[]> }>
  >
}

const { spec } = customResourceState() as {
  spec: {
    resources: { groupVersionKind: { kind: string }; metricNamePrefix: string; metrics: Metric[] }[]
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
  test.each(spec.resources.map(({ groupVersionKind: { kind }, metrics }) => ({ kind, metrics })))(
    'of a $kind',
    ({ kind, metrics }) => {
      const of = kinds.find((one) => one.kind === kind)
      const whole = { properties: { spec: of?.spec, status: of?.status } } as unknown as Schema
      for (const { name, each } of metrics) {
        const [how] = Object.values(each).filter((value) => typeof value === 'object')
        const inner = schemaAt(whole, how?.path ?? [])
        expect([name, inner]).not.toEqual([name, undefined])
        for (const path of Object.values(how?.labelsFromPath ?? {}))
          expect([name, path, inner && schemaAt(inner, path)]).not.toEqual([name, path, undefined])
      }
    },
  )

  test('and all kinds have the same metrics', () => {
    expect(
      spec.resources.map(({ metricNamePrefix, metrics }) =>
        metrics.map(({ name }) => `${metricNamePrefix}_${name}`).join(' '),
      ),
    ).toEqual(kinds.map(() => 'substratus_condition substratus_suspended substratus_info'))
  })
})

describe('alerts', () => {
  const file = readFileSync(new URL('../../../helm/files/alerts.yaml', import.meta.url), 'utf8')
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

  const docs = readFileSync(new URL('../../../docs/operate.md', import.meta.url), 'utf8')

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
      'substratus_request_duration_seconds',
      'substratus_suspended',
      'substratus_watch_silence_seconds',
    ])
    for (const metric of metrics) expect(docs).toMatch(new RegExp(`^\\| \`${metric}\\b`, 'm'))
  })
})

test('the monitor knows the presets that have metrics', () => {
  expect(Object.keys(presetMetrics())).toEqual(['vllm', 'vllm-embed', 'llamacpp', 'tei'])
})
