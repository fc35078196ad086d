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
  /** Resolves when the last apply has ended. */
  readonly stop: () => Promise<void>
}

interface LoadOptions {
  readonly clients?: number
  readonly pauseMilliseconds?: number
}

/** Each client applies a new object after each pause, whatever became of the last one. */
export function startLoad(
  namespace: string,
  { clients = 2, pauseMilliseconds = 500 }: LoadOptions = {},
): Load {
  const record = recordOf(namespace)
  let isOver = false
  let number = 0
  const client = async () => {
    while (!isOver) {
      await record.apply(number++)
      await sleep(pauseMilliseconds)
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  return {
    ...record,
    stop: async () => {
      isOver = true
      await all
    },
  }
}

/** Clients that apply a number of objects together, each again until it is accepted. */
export function applyMany(namespace: string, count: number, clients: number): Load {
  const record = recordOf(namespace)
  let number = 0
  const client = async () => {
    while (number < count) {
      const own = number++
      while (!(await record.apply(own)).isAccepted) await sleep(500)
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  return { ...record, stop: () => all.then(() => {}) }
}

function recordOf(namespace: string) {
  const accepted = new Set<string>()
  const failed: Failure[] = []
  const apply = async (number: number): Promise<Applied> => {
    const object = objectOf(sorts[number % sorts.length] as Sort, number)
    const what = `${object.kind}/${object.metadata.name}`
    const result = await applyObject(namespace, object)
    if (result.isAccepted) accepted.add(what)
    else failed.push({ what, words: result.words })
    return result
  }
  return { accepted, failed, apply }
}
