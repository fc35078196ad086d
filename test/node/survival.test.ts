import { afterEach, expect, test } from 'vitest'
import { apply, get, manifest, namespace, ok } from '../cluster/cluster.ts'
import { kill } from '../cluster/processes.ts'
import { configured } from './configured.ts'
import { base, commit, serverFor, untilSays } from './node.ts'

/** What others break: the node's agent, and a registry. */

let undo: () => Promise<unknown> = async () => {}
afterEach(async () => {
  await undo()
  undo = async () => {}
})

test('a kubelet that is killed and comes back: the work goes on, once', async () => {
  const ns = await namespace('survival')
  const work = 'date >>/content/artifacts/begun; sleep 20; wc -l </content/artifacts/begun'
  await apply(
    ns,
    manifest('Dataset', 'it', { image: `${base}/busybox:1`, command: ['/bin/sh', '-c', work] }),
  )
  await untilSays(ns, 'dataset/it', 'False Loading')
  const start = await kill('kubelet')
  await new Promise((done) => setTimeout(done, 5000))
  start()
  await untilSays(ns, 'dataset/it', 'True Done')
  const { items } = await get(ns, 'pods')
  expect(items).toHaveLength(1)
  expect((await ok(['-n', ns, 'logs', items[0].metadata.name, '-c', 'load'])).trim()).toBe('1')
})

test('a registry that refuses: Ready says so in its words', async () => {
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
