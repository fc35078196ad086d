import { expect, test } from 'vitest'
import {
  apply,
  get,
  kubectl,
  manifest,
  namespace,
  ok,
  patch,
  readyOf,
  type Shown,
  until,
  untilReady,
  withoutAdmission,
} from './cluster.ts'

/**
 * Adapters on a real API server. Its nodes are simulated, so that no program writes an adapter: what seal
 * would report of it is written into the record of the run.
 */

const base = { image: 'example.com/base:1' }
const trained = { image: 'example.com/train:1', model: { name: 'base' }, package: 'Never' }
const server = {
  model: { name: 'base' },
  runtime: 'vllm',
  adapters: [{ name: 'polite' }],
  resources: { gpu: { type: 'nvidia-l4' } },
}
const lora = { format: 'peft', rank: 24, path: 'adapter' }

/** Until the status has it: a sync of before may write the status once more. */
const sealedAsAdapter = (ns: string, on: string) =>
  until(
    async () => {
      const status = JSON.stringify({ status: { stages: { run: { adapter: lora } } } })
      await ok([
        '-n',
        ns,
        'patch',
        'model/polite',
        '--subresource=status',
        '--type=merge',
        '-p',
        status,
      ])
      return (await get(ns, 'model/polite')).status.artifacts
    },
    (artifacts) => artifacts?.adapter?.base === on,
  )

const podOf = async (ns: string): Promise<Shown> =>
  (await get(ns, 'pods')).items.find(
    ({ metadata }: Shown) =>
      metadata.labels['substratus.ai/stage'] === 'serve' && !metadata.deletionTimestamp,
  )

test('a server with an adapter waits for it when its base has changed', async () => {
  const ns = await namespace('adapters')
  await apply(ns, manifest('Model', 'base', base), manifest('Model', 'polite', trained))
  await untilReady(ns, 'model/polite', 'True Done')
  await sealedAsAdapter(ns, base.image)
  await apply(ns, manifest('ModelServer', 's', server))
  await untilReady(ns, 'modelserver/s', 'True Serving: 1 of 1')
  const before = await podOf(ns)
  expect(before.spec.containers[0].args).toEqual(
    expect.arrayContaining(['--max-lora-rank=32', 'polite=/content/adapters/polite/adapter']),
  )
  const served = () => get(ns, 'modelserver/s').then(({ status }) => status.adapters)
  await until(served, (adapters) => JSON.stringify(adapters) === '[{"name":"polite"}]')

  await patch(ns, 'model/base', { image: 'example.com/base:2' })
  await untilReady(ns, 'modelserver/s', 'True UpdatePending')
  expect(readyOf(await get(ns, 'modelserver/s'))).toContain(
    'waiting for adapter "polite", trained on another result of Model "base"',
  )
  expect((await podOf(ns)).metadata.uid).toBe(before.metadata.uid)

  await ok(['-n', ns, 'annotate', 'model/polite', 'substratus.ai/rerun=1'])
  await sealedAsAdapter(ns, 'example.com/base:2')
  const after = await until(
    () => podOf(ns),
    (pod) => pod && pod.metadata.uid !== before.metadata.uid,
  )
  expect(JSON.stringify(after.spec)).toContain('example.com/base:2')
  await untilReady(ns, 'modelserver/s', 'True Serving: 1 of 1')

  const { stderr } = await kubectl(['-n', ns, 'delete', 'model/polite', '--wait=false'])
  expect(stderr).toContain('Warning: ModelServer "s" uses it')
  await untilReady(ns, 'modelserver/s', 'False ReferenceMissing: Model "polite" does not exist')
  expect((await podOf(ns)).metadata.uid).toBe(after.metadata.uid)
})

test('what cannot be served with its adapters is refused at once', async () => {
  const ns = await namespace('adapters-refused')
  await apply(
    ns,
    manifest('Model', 'base', base),
    manifest('Model', 'other', { image: 'example.com/other:1' }),
    manifest('Model', 'polite', { ...trained, model: { name: 'other' } }),
  )
  const refused = async (adapters: readonly string[]) =>
    (
      await kubectl(
        ['-n', ns, 'apply', '-f', '-'],
        manifest('ModelServer', 's', {
          ...server,
          adapters: adapters.map((name) => ({ name })),
        }),
      )
    ).stderr
  expect(await refused(['polite'])).toContain(
    'Model "polite" is trained on Model "other", and this server serves Model "base"',
  )
  expect(await refused(['missing'])).toContain('Model "missing" does not exist in this namespace')
  // The definition itself refuses these.
  await withoutAdmission(async () => {
    expect(await refused(['polite', 'polite'])).toMatch(
      /spec\.adapters\[1\]: Duplicate value: .*"polite"/,
    )
    expect(await refused(['base'])).toContain('the Model to serve cannot be its own adapter')
    expect(await refused(['--enable'])).toContain('spec.adapters[0].name')
  })
})
