import { expect, test } from 'vitest'
import { podsIn, type ServerObject, serverFrom, withPods } from '../../gateway/core/servers.ts'
import { apply, get, manifest, namespace, patch, type Shown, until, untilReady } from './cluster.ts'

/** What the gateway knows of the Pods of a server, by its status and by Kubernetes' own names and EndpointSlices. */

/** Kubernetes cuts names of Pods so that a third of the revision is left. */
const name = 's'.repeat(46)

/** The names by which the gateway asks the Pods, and those in their arguments. */
async function knownIn(ns: string) {
  // In this order: what is known of a Pod is recorded before it gets requests.
  const { items: slices } = await get(ns, 'endpointslices')
  const server = serverFrom((await get(ns, `modelserver/${name}`)) as ServerObject)
  if (!server) throw new Error('it is being deleted')
  const { items: pods } = await get(ns, 'pods')
  const { replicas } = withPods(server, podsIn(slices))
  return replicas.map(({ address, knows, model }) => {
    const pod = pods.find(({ status }: Shown) => address.startsWith(`${status.podIP}:`))
    const args: readonly string[] = pod?.spec.containers[0].args ?? []
    return { knows, model, is: args.find((word) => word.startsWith('--served')) }
  })
}

test('while another Model is rolled out, each Pod is known by what it serves', async () => {
  const ns = await namespace('served')
  const model = (one: string) => manifest('Model', one, { image: `example.com/${one}:1` })
  await apply(ns, model('falcon'), model('eagle'))
  const spec = { model: { name: 'falcon' }, runtime: 'vllm', strategy: { type: 'RollingUpdate' } }
  await apply(ns, manifest('ModelServer', name, spec))
  await untilReady(ns, `modelserver/${name}`, 'True Serving: 1 of 1')
  const served = (one: string) => ({ knows: one, model: one, is: `--served-model-name=${one}` })
  const is = (one: string) => (replicas: readonly unknown[]) =>
    JSON.stringify(replicas) === JSON.stringify([served(one)])
  await until(() => knownIn(ns), is('falcon'))

  await patch(ns, `modelserver/${name}`, { model: { name: 'eagle' } })
  const wrong: unknown[] = []
  const seen = async () => {
    const replicas = await knownIn(ns)
    wrong.push(...replicas.filter(({ knows, is }) => is && is !== `--served-model-name=${knows}`))
    return replicas
  }
  await until(seen, is('eagle'))
  expect(wrong).toEqual([])
  const { status } = await until(
    () => get(ns, `modelserver/${name}`),
    ({ status }) => status.served.length === 1,
  )
  const { items } = await get(ns, 'replicasets')
  const newest = items.find(({ status }: Shown) => status.replicas)
  expect(status.served).toEqual([
    {
      revision: newest.metadata.labels['pod-template-hash'],
      name: 'eagle',
      model: 'eagle',
    },
  ])
})
