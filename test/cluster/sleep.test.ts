import { describe, expect, test } from 'vitest'
import {
  apply,
  get,
  kubectl,
  manifest,
  namespace,
  nudge,
  ok,
  patch,
  readyOf,
  type Shown,
  until,
  untilReady,
} from './cluster.ts'

/**
 * Sleep and wake on a real API server. Its nodes are simulated, so no idle watch runs: what the kubelet
 * would report of its end is written into the Pod's status.
 */

const spec = { model: { name: 'm' }, image: 'example.com/server:1', idleTimeout: '1h' }

async function served(word: string, more: object = {}): Promise<string> {
  const ns = await namespace(word)
  await apply(ns, manifest('Model', 'm', { image: 'example.com/m:1' }))
  await apply(ns, manifest('ModelServer', 's', { ...spec, ...more }))
  await untilReady(ns, 'modelserver/s', 'True Serving: 1 of 1')
  return ns
}

const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`

/** The idle watch of the only Pod ends; the next sync sees it. */
async function watchEnds(ns: string, message = 'idle', finishedAt = now()): Promise<void> {
  const [pod] = (await get(ns, 'pods')).items.filter(
    ({ metadata }: Shown) =>
      metadata.labels['substratus.ai/stage'] === 'serve' && !metadata.deletionTimestamp,
  )
  const terminated = {
    exitCode: 0,
    message,
    containerID: `containerd://${pod.metadata.uid}`,
    finishedAt,
  }
  const containerStatuses = pod.status.containerStatuses.map((it: Shown) =>
    it.name === 'idle' ? { ...it, lastState: { terminated } } : it,
  )
  await ok([
    ...['-n', ns, 'patch', 'pod', pod.metadata.name, '--subresource=status', '--type=merge', '-p'],
    JSON.stringify({ status: { containerStatuses } }),
  ])
}

/** On a real node the end of a container changes the Deployment, which causes a sync. */
const says = (ns: string, ready: string) =>
  until(
    async () => {
      await nudge(ns, 'modelserver/s')
      return readyOf(await get(ns, 'modelserver/s'))
    },
    (line) => line.startsWith(ready),
  )

const wake = (ns: string, value = now()) =>
  ok(['-n', ns, 'annotate', '--overwrite', 'modelserver', 's', `substratus.ai/opened=${value}`])

const podsOf = async (ns: string): Promise<number> =>
  (await get(ns, 'pods')).items.filter(({ metadata }: Shown) => !metadata.deletionTimestamp).length

test.concurrent('an idle server is scaled to zero, is Ready, and is woken by the annotation', async () => {
  const ns = await served('asleep')
  const ended = now()
  await watchEnds(ns, 'idle', ended)
  expect(await says(ns, 'True Idle')).toContain(
    'kubectl annotate --overwrite modelserver s substratus.ai/opened="$(date -u +%FT%TZ)" wakes it',
  )
  await until(
    () => podsOf(ns),
    (count) => count === 0,
  )
  const { status, spec: asked } = await get(ns, 'modelserver/s')
  expect(status.idle.since).toBe(ended)
  expect(status.idle.woken).toBeUndefined()
  expect(asked.replicas).toBe(1)
  // As GitOps tools wait for it.
  await ok(['-n', ns, 'wait', '--for=condition=Ready', 'modelserver/s', '--timeout=10s'])

  const woken = now()
  await wake(ns, woken)
  await untilReady(ns, 'modelserver/s', 'True Serving: 1 of 1')
  const { idle } = await until(
    async () => {
      await nudge(ns, 'modelserver/s')
      return (await get(ns, 'modelserver/s')).status
    },
    (seen) => seen.idle.wakingSeconds !== undefined,
  )
  expect(idle.woken).toBe(woken)
  expect(idle.wakingSeconds).toBeLessThan(120)
})

test.concurrent('a wake after the watch has ended, and before a sync, is not swallowed', async () => {
  const ns = await served('woken-early')
  const [before] = (await get(ns, 'pods')).items
  // One write each; the end is a second earlier than the wake, and no sync sees it alone for certain.
  const ended = `${new Date(Date.now() - 1000).toISOString().slice(0, 19)}Z`
  await wake(ns)
  await watchEnds(ns, 'idle', ended)
  await until(
    async () => {
      await nudge(ns, 'modelserver/s')
      return (await get(ns, 'modelserver/s')).status
    },
    (seen) => seen.idle?.container !== undefined,
  )
  expect(readyOf(await get(ns, 'modelserver/s'))).toMatch(/^True Serving/)
  expect((await get(ns, 'pods')).items[0].metadata.uid).toBe(before.metadata.uid)
})

test.concurrent('neither a suspended server nor one with 0 replicas is woken', async () => {
  const ns = await served('unwakeable')
  await watchEnds(ns)
  await says(ns, 'True Idle')
  await patch(ns, 'modelserver/s', { suspend: true })
  await untilReady(ns, 'modelserver/s', 'True Suspended: spec.suspend is true')
  await wake(ns)
  await patch(ns, 'modelserver/s', { suspend: false, replicas: 0 })
  await untilReady(ns, 'modelserver/s', 'True Suspended: scaled to 0 replicas')
  await wake(ns, `${new Date(Date.now() + 5000).toISOString().slice(0, 19)}Z`)
  await nudge(ns, 'modelserver/s')
  expect((await get(ns, 'deployment/s-server')).spec.replicas).toBe(0)
})

test.concurrent('Ready says why the watch cannot tell', async () => {
  const ns = await served('doubtful')
  await watchEnds(ns, 'cannot tell: /metrics answers 501')
  expect(
    await says(ns, 'True Serving: 1 of 1 replicas available; idleTimeout has no effect'),
  ).toContain('cannot tell: /metrics answers 501')
})

test.concurrent('the Service leads to the relay, and to the server itself once nothing is counted', async () => {
  const ns = await served('relayed', { port: 9000 })
  const portOf = async () => (await get(ns, 'service/s-server')).spec.ports[0].targetPort
  expect(await portOf()).toBe(18080)
  const { initContainers } = (await get(ns, 'deployment/s-server')).spec.template.spec
  expect(initContainers.map(({ name }: Shown) => name)).toEqual(['relay'])
  await patch(ns, 'modelserver/s', { idleTimeout: null })
  await until(portOf, (port) => port === 9000)
})

describe.concurrent('at most one replica', () => {
  const refusal = /idleTimeout needs a server of at most one replica: .*KEDA/

  test('is what kubectl scale may ask for', async () => {
    const ns = await served('one')
    const { code, stderr } = await kubectl(['-n', ns, 'scale', 'modelserver/s', '--replicas=2'])
    expect(code).not.toBe(0)
    expect(stderr).toMatch(refusal)
    await ok(['-n', ns, 'scale', 'modelserver/s', '--replicas=0'])
    await untilReady(ns, 'modelserver/s', 'True Suspended')
  })

  test('is what a HorizontalPodAutoscaler may ask for, and its status says so', async () => {
    const ns = await served('autoscaled-one')
    await apply(
      ns,
      JSON.stringify({
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
      }),
    )
    const conditions = await until(
      async () => (await get(ns, 'hpa/s')).status?.conditions ?? [],
      (all) => all.some(({ reason }: Shown) => reason === 'FailedUpdateScale'),
    )
    expect(JSON.stringify(conditions)).toMatch(refusal)
    expect((await get(ns, 'modelserver/s')).spec.replicas).toBe(1)
  })
})
