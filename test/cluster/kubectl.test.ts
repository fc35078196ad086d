import { describe, expect, inject, test } from 'vitest'
import { scalars, withScalars } from '../scalars.ts'
import {
  apply,
  get,
  kubectl,
  manifest,
  namespace,
  nudge,
  ok,
  until,
  untilReady,
  watch,
  writes,
} from './cluster.ts'

/** What people who know kubectl expect to work, and what other tools do on their behalf. */

const image = 'example.com/train:1'
const trained = { image, params: { epochs: 1 } }
const served = { image: 'example.com/base:1' }

// Side by side, because they mostly wait: each has a namespace of its own.

describe.concurrent('kubectl wait', () => {
  test('returns once the object is Ready', async () => {
    const ns = await namespace('wait')
    await apply(ns, manifest('Model', 'm', trained))
    const output = await ok(['-n', ns, 'wait', '--for=condition=Ready', 'model/m', '--timeout=60s'])
    expect(output).toContain('condition met')
    await ok(['-n', ns, 'wait', '--for=jsonpath={.status.ready}=true', 'model/m', '--timeout=1s'])
  })

  test('waits again after a change, until the new work is done', async () => {
    const ns = await namespace('wait-again')
    await apply(ns, manifest('Model', 'm', trained))
    await untilReady(ns, 'model/m', 'True Done')
    const held = manifest('Model', 'm', { ...trained, params: { epochs: 2 } })
    await apply(ns, held.replace('"name":"m"', '"name":"m","labels":{"simulate":"hold"}'))
    const { code } = await kubectl([
      ...['-n', ns, 'wait', '--for=condition=Ready', 'model/m', '--timeout=5s'],
    ])
    expect(code).not.toBe(0)
  })
})

test.concurrent('kubectl get -w shows each step once, and -o wide the image', async () => {
  const ns = await namespace('watched')
  await apply(ns, manifest('Model', 'm', { ...trained, package: 'Never' }))
  const seen = watch(ns, 'model/m')
  await untilReady(ns, 'model/m', 'True Done')
  await until(
    async () => seen.lines.at(-1) ?? '',
    (line) => line.startsWith('True'),
  )
  seen.stop()
  expect(seen.lines).toEqual([...new Set(seen.lines)])
  expect(seen.lines.filter((line) => !line.startsWith('False '))).toEqual([seen.lines.at(-1)])
  const wide = await ok(['-n', ns, 'get', 'models', '-o', 'wide'])
  expect(wide).toMatch(/^NAME\s+READY\s+REASON\s+BASE\s+GPU\s+PROGRESS\s+AGE\s+MESSAGE\s+IMAGE\n/)
  expect(wide).toMatch(/^m\s+True\s+Done\s.*example\.com\/train:1\n$/m)
})

test.concurrent('kubectl get ai lists all kinds, and short names work', async () => {
  const ns = await namespace('names')
  await apply(ns, manifest('Model', 'm', served), manifest('Notebook', 'n', {}))
  await apply(ns, manifest('Dataset', 'd', { image }))
  await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' } }))
  const all = await ok(['-n', ns, 'get', 'ai', '-o', 'name'])
  expect(all.trim().split('\n').sort()).toEqual([
    'dataset.substratus.ai/d',
    'model.substratus.ai/m',
    'modelserver.substratus.ai/s',
    'notebook.substratus.ai/n',
  ])
  for (const short of ['data/d', 'nb/n', 'mserver/s']) {
    expect(await ok(['-n', ns, 'get', short, '-o', 'name'])).toContain('.substratus.ai/')
    expect(await ok(['-n', ns, 'get', short])).toMatch(
      /^NAME +READY +REASON .*GPU +PROGRESS +AGE +MESSAGE\n/,
    )
  }
})

describe.concurrent('kubectl describe', () => {
  test('shows conditions, and the result of each stage', async () => {
    const ns = await namespace('described')
    await apply(ns, manifest('Model', 'm', trained))
    await untilReady(ns, 'model/m', 'True Done')
    const output = await ok(['-n', ns, 'describe', 'model', 'm'])
    expect(output).toMatch(/Type:\s+Packaged/)
    expect(output).toMatch(/Stages:\s+Package:/)
    expect(output).toMatch(/Job:\s+m-model-run-\w{8}/)
  })

  // Metacontroller writes these Events; the embedded runner writes none, only the server its own.
  const isReal = inject('cluster').controller === 'metacontroller'
  const event = /Events:[\s\S]*Warning\s+SyncError[\s\S]*exceeded quota: none/
  test(`${isReal ? 'shows' : 'shows no'} event of a child that the API server refuses`, async () => {
    const ns = await namespace('events')
    await apply(ns, quotaOfClaims)
    await apply(ns, manifest('Model', 'm', trained))
    await untilReady(ns, 'model/m', 'False')
    const described = (passes: (text: string) => boolean) =>
      until(() => ok(['-n', ns, 'describe', 'model', 'm']), passes)
    await described((text) => event.test(text) === isReal)
    await ok(['-n', ns, 'delete', 'resourcequota', 'none'])
    await untilReady(ns, 'model/m', 'True Done')
    await described((text) => event.test(text) === isReal && / Done .* substratus /.test(text))
  })
})

const quotaOfClaims = JSON.stringify({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'none' },
  spec: { hard: { persistentvolumeclaims: '0' } },
})

describe.concurrent('kubectl explain knows', () => {
  test.each([
    ['model.spec.build.git.secretName', 'ssh-auth'],
    ['modelserver.spec.replicas', 'How many Pods serve.'],
    ['dataset.spec.runPolicy.backoffLimit', 'Retries'],
    ['notebook.spec.idleTimeout', 'Stops the notebook'],
    ['modelserver.spec.idleTimeout', 'Puts the server to sleep'],
    ['modelserver.status.idle.wakingSeconds', 'How many seconds passed'],
    ['model.status.artifacts', 'complete result'],
  ])('%s', async (path, words) => {
    expect(await ok(['explain', path])).toContain(words)
  })
})

describe.concurrent('scaling', () => {
  test('kubectl scale sets the replicas, and 0 stops the server', async () => {
    const ns = await namespace('scaled')
    await apply(ns, manifest('Model', 'm', served))
    await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' } }))
    await untilReady(ns, 'modelserver/s', 'True Serving: 1 of 1')
    await ok(['-n', ns, 'scale', 'modelserver/s', '--replicas=3', '--current-replicas=1'])
    await untilReady(ns, 'modelserver/s', 'True Serving: 3 of 3')
    await ok(['-n', ns, 'scale', 'modelserver/s', '--replicas=0'])
    await untilReady(ns, 'modelserver/s', 'True Suspended: scaled to 0 replicas')
  })

  test('a HorizontalPodAutoscaler reads and writes the scale', async () => {
    const ns = await namespace('autoscaled')
    await apply(ns, manifest('Model', 'm', served))
    await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' } }))
    await untilReady(ns, 'modelserver/s', 'True Serving')
    const autoscaler = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 's' },
      spec: {
        scaleTargetRef: { apiVersion: 'substratus.ai/v1', kind: 'ModelServer', name: 's' },
        minReplicas: 2,
        maxReplicas: 4,
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
          },
        ],
      },
    }
    await apply(ns, JSON.stringify(autoscaler))
    // Without metrics here, only the minimum makes it scale.
    await untilReady(ns, 'modelserver/s', 'True Serving: 2 of 2')
    const { conditions, currentReplicas } = await until(
      async () => (await get(ns, 'hpa/s')).status,
      (status) => status.currentReplicas === 2,
    )
    expect(currentReplicas).toBe(2)
    expect(conditions.find(({ type }: { type: string }) => type === 'AbleToScale').status).toBe(
      'True',
    )
  })
})

// Alone, so that nothing delays a write until after the look.
describe('applying an unchanged manifest changes nothing', () => {
  test('client-side, server-side and with kubectl diff', async () => {
    const ns = await namespace('reapplied')
    const all = [
      manifest('Model', 'm', { ...trained, resources: { gpu: { type: 'nvidia-l4' } } }),
      manifest('ModelServer', 's', { model: { name: 'm' } }),
    ]
    await apply(ns, all[0] as string)
    await apply(ns, all[1] as string)
    await untilReady(ns, 'modelserver/s', 'True Serving')
    expect(await apply(ns, ...all)).toMatch(/model.* unchanged\nmodelserver.* unchanged\n/)
    const { code } = await kubectl(['-n', ns, 'diff', '-f', '-'], all.join('\n---\n'))
    expect(code).toBe(0)

    const serverSide = [...['-n', ns, 'apply', '--server-side'], '--force-conflicts', '-f', '-']
    await ok(serverSide, all.join('\n---\n'))
    const before = writes(ns).length
    const { resourceVersion } = (await get(ns, 'model/m')).metadata
    await ok(serverSide, all.join('\n---\n'))
    expect((await get(ns, 'model/m')).metadata.resourceVersion).toBe(resourceVersion)
    await nudge(ns, 'model/m')
    const controllers = writes(ns)
      .slice(before)
      .filter((line) => !/ patch models| patch modelservers/.test(line))
    expect(controllers).toEqual([])
  })

  test('server-side apply removes fields that the manifest no longer has', async () => {
    const ns = await namespace('pruned')
    const serverSide = ['-n', ns, 'apply', '--server-side', '-f', '-']
    await ok(serverSide, manifest('Model', 'm', { ...trained, env: { MODE: 'fast' } }))
    await ok(serverSide, manifest('Model', 'm', trained))
    expect((await get(ns, 'model/m')).spec).toEqual(trained)
  })
})

test('kubectl reads YAML as substratus validate does', async () => {
  const read = await ok(['annotate', '--local', '-f', '-', '-o', 'json', 'a=b'], withScalars)
  const expected = scalars.map(({ value }, at) => [`v${at}`, value])
  expect(JSON.parse(read).spec).toEqual(Object.fromEntries(expected))
})
