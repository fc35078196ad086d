import { setTimeout as sleep } from 'node:timers/promises'
import type { KindName } from '../../crds/kinds.ts'
import { type Applied, applyObject } from './apply.ts'

/** Objects as people apply them, one after another, while something fails. */

const image = 'example.com/train:1'

interface Sort {
  readonly name: string
  readonly kind: KindName
  readonly spec: object
}

/** One of each sort has other children than the others. */
export const sorts: readonly Sort[] = [
  { name: 'run', kind: 'Model', spec: { image, params: { epochs: 1 }, package: 'Never' } },
  { name: 'image', kind: 'Model', spec: { image } },
  { name: 'data', kind: 'Dataset', spec: { source: 'https://example.com/data' } },
  // Admission looks up the Model.
  { name: 'server', kind: 'ModelServer', spec: { model: { name: 'base' } } },
  { name: 'book', kind: 'Notebook', spec: { model: { name: 'base' } } },
]

/** What the others refer to. */
export const base = {
  apiVersion: 'substratus.ai/v1',
  kind: 'Model',
  metadata: { name: 'base' },
  spec: { image },
} as const

export const objectOf = ({ name, kind, spec }: Sort, number: number) => ({
  apiVersion: 'substratus.ai/v1',
  kind,
  metadata: { name: `${name}-${number}` },
  spec,
})

export interface Failure {
  /** KIND/NAME. */
  readonly what: string
  readonly words: string
}

export interface Load {
  /** KIND/NAME of every object that was accepted. */
  readonly accepted: ReadonlySet<string>
  readonly failed: readonly Failure[]
  /** How many applies there were, dry runs too. */
  readonly applies: () => number
  /** How long the slowest accepted one took. */
  readonly slowestSeconds: () => number
  /** Resolves when the last apply has ended. */
  readonly stop: () => Promise<void>
}

interface LoadOptions {
  readonly clients?: number
  readonly pauseMilliseconds?: number
  readonly isDryRun?: boolean
}

/** Each client applies a new object after each pause, whatever became of the last one. */
export const startLoad = (namespace: string): Load => {
  const record = recordOf(namespace)
  return { ...record, stop: startClients(record, {}) }
}

/**
 * Many more applies than the cluster could run objects: most are dry runs, which admission cannot tell from
 * others.
 */
export const denseLoad = (namespace: string): Load => {
  const record = recordOf(namespace)
  const stops = [
    startClients(record, { clients: 1, pauseMilliseconds: 1000 }),
    startClients(record, { clients: 4, pauseMilliseconds: 100, isDryRun: true }),
  ]
  return { ...record, stop: async () => void (await Promise.all(stops.map((stop) => stop()))) }
}

function startClients(
  { apply }: Pick<ReturnType<typeof recordOf>, 'apply'>,
  { clients = 2, pauseMilliseconds = 500, isDryRun = false }: LoadOptions,
): () => Promise<void> {
  let isOver = false
  const client = async () => {
    while (!isOver) {
      await apply({ isDryRun })
      await sleep(pauseMilliseconds)
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  return async () => {
    isOver = true
    await all
  }
}

/** Clients that apply a number of objects together, each again until it is accepted. */
export function applyMany(namespace: string, count: number, clients: number): Load {
  const record = recordOf(namespace)
  let next = 0
  const client = async () => {
    while (next < count) {
      const number = next++
      while (!(await record.apply({ number })).isAccepted) await sleep(500)
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  return { ...record, stop: () => all.then(() => {}) }
}

interface Apply {
  /** By default, a number of its own. */
  readonly number?: number
  readonly isDryRun?: boolean
}

function recordOf(namespace: string) {
  const accepted = new Set<string>()
  const failed: Failure[] = []
  let count = 0
  let slowest = 0
  const apply = async ({ number = count, isDryRun = false }: Apply): Promise<Applied> => {
    count++
    const object = objectOf(sorts[number % sorts.length] as Sort, number)
    const what = `${object.kind}/${object.metadata.name}`
    const start = performance.now()
    const result = await applyObject(namespace, object, isDryRun)
    if (result.isAccepted) slowest = Math.max(slowest, performance.now() - start)
    if (!result.isAccepted) failed.push({ what, words: result.words })
    else if (!isDryRun) accepted.add(what)
    return result
  }
  return { accepted, failed, applies: () => count, slowestSeconds: () => slowest / 1000, apply }
}

/** How many applies failed, and what they said, for the reader of a run. */
export function summaryOf({ accepted, failed, applies, slowestSeconds }: Load): string {
  // The ports of connections differ.
  const words = Map.groupBy(failed, ({ words }) => words.replace(/:\d+->/g, '->'))
  const slowest = slowestSeconds().toFixed(1)
  return [
    `${applies()} applies, ${accepted.size} objects accepted, the slowest in ${slowest} s; ${failed.length} failed`,
    ...[...words].map(([said, all]) => `${all.length} times ${said}`),
  ].join('\n  ')
}
