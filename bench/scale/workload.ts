import type { KubeConfig } from '@kubernetes/client-node'
import { create } from '../../cluster/exchange.ts'
import { apiVersion } from '../../crds/kind.ts'
import { byClients, collectionOf } from '../simulated/creations.ts'

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

/** Creates the Models in a namespace, by 20 clients at a time. */
export async function createAll(
  config: KubeConfig,
  namespace: string,
  models: readonly BenchModel[],
  sent: Sent,
): Promise<void> {
  const path = collectionOf(apiVersion, namespace, 'models')
  await byClients(models, (model) => {
    const { name } = model.metadata
    if (!sent.has(name)) sent.set(name, performance.now())
    return create(config, path, model)
  })
}
