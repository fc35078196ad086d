import { readFileSync } from 'node:fs'
import type { RequestOptions } from 'node:https'
import { join } from 'node:path'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import { kinds } from '../../crds/kinds.ts'
import type { ControlPlane } from '../../platform/controlplane/controlplane.ts'
import { root } from '../../terminal/root.ts'
import { admissionWebhooks } from '../../webhooks/configuration.ts'
import { type Figure, figure, median, quantile } from '../figures.ts'
import { asFastAsPossible, type Measured, type Target } from './clients.ts'

/**
 * Dry-run creations at a real API server: those in one namespace pass our webhooks, those in another
 * pass webhooks that only allow. Both are measured in turns, so that noise affects both.
 */

const clients = 8
const sides = ['ours', 'bare'] as const
type Side = (typeof sides)[number]
type Urls = Readonly<Record<Side, string>>

interface Extent {
  readonly rounds: number
  readonly seconds: number
}

const object = (kind: string, name: string, spec: object) => ({
  apiVersion: 'substratus.ai/v1',
  kind,
  metadata: { name },
  spec,
})

const training = {
  image: 'example.com/train:1',
  params: { epochs: 3, 'learning-rate': 0.0002 },
  env: { MODE: 'fast', TOKEN: '${{ secrets.hub.token }}' },
  resources: { memory: 32, gpu: { type: 'nvidia-l4' } },
}

const cases = [
  { name: 'a Model of an image', plural: 'models', spec: { image: 'example.com/m:1' } },
  { name: 'a training on a GPU', plural: 'models', spec: training },
  {
    name: 'a Notebook',
    plural: 'notebooks',
    spec: { idleTimeout: '2h', resources: { memory: 8 } },
  },
]

/** Registers both servers, each for its namespace. */
async function register({ kubectl, pki }: ControlPlane, urls: Urls): Promise<void> {
  await kubectl.applyFiles(kinds.map(({ plural }) => join(root, 'crds', `${plural}.yaml`)))
  await kubectl.apply(
    sides.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  )
  const caBundle = readFileSync(pki.ca.cert).toString('base64')
  for (const side of sides) {
    const selector = { matchLabels: { 'kubernetes.io/metadata.name': side } }
    await kubectl.apply(
      admissionWebhooks({ url: urls[side], caBundle }).map(({ webhooks, ...rest }) => ({
        ...rest,
        metadata: { name: side },
        webhooks: webhooks.map((webhook) => ({ ...webhook, namespaceSelector: selector })),
      })),
    )
  }
}

export async function compared(
  plane: ControlPlane,
  urls: Urls,
  extent: Extent,
): Promise<readonly Figure[]> {
  await register(plane, urls)
  const options: RequestOptions = {}
  await kubeConfigOf(plane.kubeconfig).applyToHTTPSOptions(options)
  const { ca, cert, key } = options
  const figures: Figure[] = []
  for (const { name, plural, spec } of cases) {
    const kind = kinds.find((one) => one.plural === plural)?.kind ?? ''
    const targetOf = (side: Side): Target => ({
      url: plane.server,
      path: `/apis/substratus.ai/v1/namespaces/${side}/${plural}?dryRun=All`,
      body: JSON.stringify(object(kind, 'bench', spec)),
      tls: { ca, cert, key },
    })
    figures.push(...(await inTurns(name, targetOf, extent)))
  }
  return figures
}

async function inTurns(
  name: string,
  targetOf: (side: Side) => Target,
  { rounds, seconds }: Extent,
): Promise<readonly Figure[]> {
  const rows: Record<Side, Measured>[] = []
  const measured = (side: Side) => asFastAsPossible(targetOf(side), clients, { seconds })
  // Warm up first, so that the JIT has compiled both.
  for (const side of sides) await measured(side)
  for (let round = 0; round < rounds; round++) {
    // The first one in turn, so that neither profits from what the other left behind.
    const [first, second] = round % 2 ? sides : sides.toReversed()
    const one = await measured(first as Side)
    const other = await measured(second as Side)
    rows.push(round % 2 ? { ours: one, bare: other } : { ours: other, bare: one })
  }
  const ratio = (value: (one: Measured) => number) =>
    median(rows.map(({ ours, bare }) => value(ours) / value(bare)))
  const p99 = ({ times }: Measured) => quantile(times, 0.99)
  const perSecond = ({ perSecond }: Measured) => perSecond
  return [
    figure(`${name}: of bare webhooks`, 'ratio', ratio(perSecond), { atLeast: 0.9 }),
    figure(`${name}: p99, of bare webhooks`, 'ratio', ratio(p99), { atMost: 1.2 }),
    figure(`${name}: throughput`, 'requests/s', median(rows.map((row) => perSecond(row.ours)))),
    figure(`${name}: p99`, 'ms', median(rows.map((row) => p99(row.ours)))),
  ]
}
