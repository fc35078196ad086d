import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { gatewayMetrics } from '../../gateway/metrics.ts'
import { customResourceState } from '../../generate/monitoring.ts'
import { metrics } from '../../server/metrics.ts'

/** docs/operate.md explains each metric in the words of its own help text. */

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/operate.md'), 'utf8')

interface Metric {
  readonly name: string
  readonly labels: readonly string[]
  readonly help: string
  /** The kinds that have it, for a metric of objects. */
  readonly of?: readonly string[]
}

const sorted = (words: readonly string[]) => [...new Set(words)].sort()

/** The rows of the tables of metrics, without the marks of Markdown. */
const documented: readonly Metric[] = page
  .split('\n')
  .filter((line) => line.startsWith('| `substratus_'))
  .map((line) => {
    const [metric = '', ...cells] = line.slice(2, -2).split(' | ')
    const [, name = '', labels = ''] = /^`(\w+)(?:\{(.*)\})?`$/.exec(metric) ?? []
    const [help = '', of] = cells.reverse()
    return {
      name,
      labels: sorted(labels.split(',').filter(Boolean)),
      help: help.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', ''),
      ...(of && { of: of.split(', ') }),
    }
  })

/** A metric of prom-client, whose types leave these out. */
interface Registered {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly buckets?: unknown
}

const ofPrograms: readonly Metric[] = [metrics(), gatewayMetrics({ ofProcess: false })]
  .flatMap(({ registry }) => registry.getMetricsAsArray() as unknown as readonly Registered[])
  .filter(({ name }) => name.startsWith('substratus_'))
  .map(({ name, help, labelNames, buckets }) => ({
    name,
    labels: sorted(labelNames),
    help: buckets ? `histogram: ${lowercased(help)}` : help,
  }))

type Paths = Readonly<Record<string, unknown>>
const { spec } = customResourceState() as {
  spec: {
    resources: {
      groupVersionKind: { kind: string }
      metrics: {
        name: string
        help: string
        labelsFromPath?: Paths
        each: Readonly<Record<string, { readonly labelsFromPath?: Paths }>>
      }[]
    }[]
  }
}
const ofKinds: readonly Metric[] = spec.resources.flatMap(({ groupVersionKind, metrics }) =>
  metrics.map(({ name, help, labelsFromPath, each }) => ({
    name: `substratus_${name}`,
    labels: [labelsFromPath, each.gauge?.labelsFromPath, each.info?.labelsFromPath].flatMap(
      (paths) => Object.keys(paths ?? {}),
    ),
    help,
    of: [groupVersionKind.kind],
  })),
)

/** The metrics of several kinds or programs by their names. */
function merged(all: readonly Metric[]): ReadonlyMap<string, Metric> {
  const found = new Map<string, Metric>()
  for (const one of all) {
    const { labels = [], of = [] } = found.get(one.name) ?? {}
    found.set(one.name, {
      ...one,
      labels: sorted([...labels, ...one.labels]),
      ...(one.of && { of: sorted([...of, ...one.of]) }),
    })
  }
  return found
}

function lowercased(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

const existing = merged([...ofPrograms, ...ofKinds])
const everyKind = spec.resources.length

test('docs/operate.md has a row for each metric, and none for others', () => {
  expect(documented.length).toBeGreaterThan(20)
  expect(sorted(documented.map(({ name }) => name))).toEqual(sorted([...existing.keys()]))
})

describe('docs/operate.md explains, with its labels and in the words of its help text,', () => {
  test.each(documented)('$name', ({ name, labels, help, of }) => {
    const metric = existing.get(name)
    expect(labels).toEqual(metric?.labels)
    expect(of).toEqual(metric?.of?.length === everyKind ? ['all'] : metric?.of)
    // More may follow, for instance what to compare it with.
    const words = lowercased(metric?.help ?? '?').replace(/\.$/, '')
    expect(help.slice(0, words.length)).toBe(words)
  })
})
