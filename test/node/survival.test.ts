import { afterEach, expect, test } from 'vitest'
import { nodeName } from '../../platform/node/addresses.ts'
import { apply, get, manifest, namespace, ok, type Shown, until } from '../cluster/cluster.ts'
import { kill } from '../cluster/kill.ts'
import { configured } from './configured.ts'
import { base, commit, leave, serverFor, untilSays } from './realnode.ts'

/** Failures of the kubelet and of a registry. */

let undo: () => Promise<unknown> = async () => {}
afterEach(async () => {
  await undo()
  undo = async () => {}
})

/** Reports a condition of the node, which would otherwise take a while, or a full disk. */
const report = (condition: object) =>
  ok([
    ...['patch', 'node', nodeName, '--subresource=status', '--type=strategic'],
    ...['-p', JSON.stringify({ status: { conditions: [condition] } })],
  ])

test('a killed kubelet is reported, and the work continues without a second run when it is back', async () => {
  const ns = await namespace('survival')
  const work = 'date >>/content/artifacts/begun; sleep 12; wc -l </content/artifacts/begun'
  await apply(
    ns,
    manifest('Dataset', 'it', { image: `${base}/busybox:1`, command: ['/bin/sh', '-c', work] }),
  )
  await untilSays(ns, 'dataset/it', 'False Loading')
  const start = await kill('kubelet')
  try {
    await report({
      type: 'Ready',
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    })
    await untilSays(
      ns,
      'dataset/it',
      /^False NodeNotReady: Pod "it-dataset-load-\S+": node "real" is not ready: Kubelet stopped posting node status$/,
    )
  } finally {
    start()
  }
  await untilSays(ns, 'dataset/it', 'True Done')
  const { items } = JSON.parse(
    await ok(['-n', ns, 'get', 'pods', '-l', 'substratus.ai/stage=load', '-o', 'json']),
  )
  expect(items).toHaveLength(1)
  expect((await ok(['-n', ns, 'logs', items[0].metadata.name, '-c', 'load'])).trim()).toBe('1')
})

test('a node under disk pressure accepts no Pods until there is room again', async () => {
  const ns = await namespace('pressure')
  const start = await kill('kubelet')
  undo = async () => start()
  await report({
    type: 'DiskPressure',
    status: 'True',
    reason: 'KubeletHasDiskPressure',
    message: 'kubelet has disk pressure',
  })
  await until(
    async () => (await get(ns, `node/${nodeName}`)).spec.taints ?? [],
    (taints) => taints.some(({ key }: Shown) => key === 'node.kubernetes.io/disk-pressure'),
  )
  const command = ['/bin/sh', '-c', 'echo 1 >/content/artifacts/w']
  await apply(ns, manifest('Dataset', 'it', { image: `${base}/busybox:1`, command }))
  await untilSays(
    ns,
    'dataset/it',
    /^False Unschedulable: 0\/1 nodes are available: 1 node\(s\) had untolerated taint\(s\).*; kubectl describe nodes says which taints$/,
  )
  start()
  undo = async () => {}
  await untilSays(ns, 'dataset/it', 'True Done')
})

test('a registry that refuses a push is reported with its message', async () => {
  const ns = await namespace('survival')
  const code = commit(`${ns}/code`, { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' })
  const registry = await serverFor((request, response) => {
    if (request.url === '/v2/') return void response.end('{}')
    const refuses = request.method !== 'GET' && request.method !== 'HEAD'
    const errors = [{ code: 'DENIED', message: 'the quota is used up' }]
    response.writeHead(refuses ? 403 : 404, { 'content-type': 'application/json' })
    response.end(request.method === 'HEAD' ? '' : JSON.stringify({ errors }))
  })
  try {
    const host = registry.url.replace('http://', '')
    undo = await configured((config) => ({
      ...config,
      registry: { prefix: `${host}/full`, insecure: true },
    }))
    await apply(ns, manifest('Model', 'it', { build: { git: { url: code.url } } }))
    await untilSays(
      ns,
      'model/it',
      new RegExp(
        `^False Failed: container "build" exited with 1: cannot push ${host}/full/${ns}/model-it:[0-9a-f]{16}: .*(403 Forbidden|denied)`,
      ),
    )
  } finally {
    registry.stop()
  }
})

test('builds and packaging end at their deadline if the registry does not respond', async () => {
  const ns = await namespace('deadline')
  const code = commit(`${ns}/code`, { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' })
  const registry = await serverFor((request, response) => {
    if (request.url === '/v2/') return void response.end('{}')
    // Pushes never get a response.
    if (request.method === 'GET' || request.method === 'HEAD') response.writeHead(404).end()
  })
  try {
    const host = registry.url.replace('http://', '')
    undo = await configured((config) => ({
      ...config,
      registry: { prefix: `${host}/mute`, insecure: true },
      builder: { ...config.builder, deadlineSeconds: 12 },
    }))
    const command = ['/bin/sh', '-c', 'echo 1 >/content/artifacts/weights']
    await apply(
      ns,
      manifest('Model', 'built', { build: { git: { url: code.url } } }),
      manifest('Model', 'trained', { image: `${base}/busybox:1`, command }),
    )
    for (const [name, stage] of [
      ['built', 'build'],
      ['trained', 'package'],
    ])
      await untilSays(
        ns,
        `model/${name}`,
        new RegExp(
          `^False DeadlineExceeded: Job "${name}-model-${stage}-[0-9a-f]{8}" took longer than 12 s$`,
        ),
      )
  } finally {
    await leave(ns)
    registry.stop()
  }
})
