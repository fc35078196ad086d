import { describe, expect, test } from 'vitest'
import { apply, get, manifest, names, namespace, ok, until, untilReady, watch } from './cluster.ts'
import { simulate, troubles, work } from './troubles.ts'

/** Each trouble on a real API server: told soon, without flapping, and gone when its cause is. */
const soon = 15_000

describe.concurrent('kubectl get says', () => {
  test.each(troubles)('$when', async ({ kind, spec, simulate: what, given, says, mend, after }) => {
    const ns = await namespace('truth')
    await given?.(ns)
    await apply(ns, manifest('Model', 'base', { image: 'example.com/base:1' }))
    await untilReady(ns, 'model/base', 'True')
    const object = `${kind.toLowerCase()}/it`
    const start = Date.now()
    await apply(ns, manifest(kind, 'it', spec, what ? simulate(what) : {}))
    const seen = watch(ns, object)
    try {
      await untilReady(ns, object, says)
      expect(Date.now() - start).toBeLessThan(soon)
      // Long enough for a second look of the hooks, and for what comes and goes.
      await new Promise((resolve) => setTimeout(resolve, 12_000))
      expect(seen.readies.filter((ready) => ready === 'True')).toEqual([])
      expect(turnsIn(seen.reasons)).toEqual([...new Set(seen.reasons)])
    } finally {
      seen.stop()
    }
    await mend(ns)
    await untilReady(ns, object, after)
  })
})

/** Without repetitions: what comes back after something else stays, and tells a flap. */
const turnsIn = (reasons: readonly string[]): readonly string[] =>
  reasons.filter((reason, at) => reason !== reasons[at - 1])

test('a node that dies under a Job: the Job goes on elsewhere', async () => {
  const ns = await namespace('truth-node')
  await apply(ns, manifest('Model', 'it', work, simulate('hold')))
  await untilReady(ns, 'model/it', 'False Running')
  const [before] = (await get(ns, 'pods')).items
  const job = await names(ns, 'jobs')
  const node = await ok(['get', 'node', before.spec.nodeName, '-o', 'json'])
  await ok(['delete', 'node', before.spec.nodeName])
  try {
    await until(
      async () => (await get(ns, 'pods')).items,
      (pods) => pods.some(({ metadata }: typeof before) => metadata.uid !== before.metadata.uid),
      110,
    )
    await untilReady(ns, 'model/it', 'False Running')
    expect(await names(ns, 'jobs')).toEqual(job)
  } finally {
    const { metadata, spec, apiVersion, kind } = JSON.parse(node)
    const { name, labels, annotations } = metadata
    await ok(
      ['create', '-f', '-'],
      JSON.stringify({
        apiVersion,
        kind,
        metadata: { name, labels, annotations },
        spec,
        status: JSON.parse(node).status,
      }),
    )
  }
})
