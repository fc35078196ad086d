import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeConfig } from '@kubernetes/client-node'
import { codeOf, create } from '../../cluster/exchange.ts'
import { apiVersion } from '../../crds/kind.ts'

/** The Models of one measurement, and the clients that create them. */

/** Which hook answers for a Model: a controller selects its own by this label. */
export const sides = ['ours', 'fixed'] as const
export type Side = (typeof sides)[number]
export const sideLabel = 'bench.example.com/side'

/** A Model that is only run, or one that is built, run and packaged. What a run has written is sealed. */
export type Stages = 1 | 3

const specs: Readonly<Record<Stages, object>> = {
  1: { image: 'example.com/train:1', params: { epochs: 3 }, package: 'Never' },
  3: {
    build: { git: { url: 'https://git.example.com/train' } },
    params: { epochs: 3 },
    package: 'Always',
  },
}

export interface BenchModel {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
  }
  readonly spec: object
}

export const aBenchModel = (name: string, side: Side, stages: Stages): BenchModel => ({
  apiVersion,
  kind: 'Model',
  metadata: { name, labels: { [sideLabel]: side } },
  spec: specs[stages],
})

/** All of one length, so that no name must be shortened. */
export const nameOf = (index: number): string => `m-${String(index).padStart(5, '0')}`

/** When each Model was sent, by name, in milliseconds of `performance.now`. */
export type Sent = Map<string, number>

const clients = 20

/** Creates the Models in a namespace, by 20 clients at a time. */
export async function createAll(
  config: KubeConfig,
  namespace: string,
  models: readonly BenchModel[],
  sent: Sent,
): Promise<void> {
  const path = `/apis/${apiVersion}/namespaces/${namespace}/models`
  const left = [...models].reverse()
  const client = async () => {
    for (let model = left.pop(); model; model = left.pop()) {
      sent.set(model.metadata.name, performance.now())
      await patiently(() => create(config, path, model as BenchModel))
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
}

/** An API server that has too many requests asks for patience. */
async function patiently(call: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await call()
      return
    } catch (error) {
      if (codeOf(error) !== 429) throw error
      await sleep(1000)
    }
  }
}
