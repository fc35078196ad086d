import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  apply,
  get,
  manifest,
  namespace,
  ok,
  rowOf,
  type Shown,
  until,
  untilReady,
  watch,
} from './cluster.ts'
import { simulate, troubles, work } from './troubles.ts'

/** Each problem on a real API server is reported soon, without flapping, and cleared with its cause. */
const soon = 15_000

describe.concurrent('kubectl get reports', () => {
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
      const { READY, REASON, MESSAGE } = await rowOf(ns, object)
      expect(`${READY} ${REASON}: ${MESSAGE}`).toMatch(says)
      // Long enough for a second sync, and for transient states.
      await sleep(12_000)
      const trouble = [...seen.lines]
      expect(trouble.at(-1)).toMatch(says)
      expect(trouble.filter((line) => !line.startsWith('False '))).toEqual([])
      // A state that returns after another one is flapping.
      expect(trouble).toEqual([...new Set(trouble)])

      await mend(ns)
      await untilReady(ns, object, after)
      await sleep(3000)
      const recovery = seen.lines.slice(trouble.length)
      expect(recovery.at(-1)).toMatch(after)
      expect(recovery.filter((line) => !line.startsWith('False '))).toEqual([recovery.at(-1)])
      expect(recovery).toEqual([...new Set(recovery)])
    } finally {
      seen.stop()
    }
  })
})

const uidOf = ({ metadata }: Shown): string => metadata.uid

test('a node that fails under a Job is reported, and the Job continues when it is back', async () => {
  const ns = await namespace('truth-silent')
  await apply(ns, manifest('Model', 'it', work, simulate('hold')))
  await untilReady(ns, 'model/it', 'False Running')
  const [pod] = (await get(ns, 'pods')).items
  const node = pod.spec.nodeName
  const seen = watch(ns, 'model/it')
  const start = Date.now()
  await ok(['label', 'node', node, 'simulate=dead'])
  try {
    await untilReady(
      ns,
      'model/it',
      `False NodeNotReady: Pod "${pod.metadata.name}": node "${node}" is not ready: Kubelet stopped posting node status`,
    )
    expect(Date.now() - start).toBeLessThan(soon)
    await sleep(12_000)
  } finally {
    await ok(['label', 'node', node, 'simulate-'])
  }
  const running = `False Running: Pod "${pod.metadata.name}" is running`
  await untilReady(ns, 'model/it', running)
  await until(
    async () => seen.lines,
    (lines) => lines.length > 2,
  )
  seen.stop()
  expect(seen.lines).toEqual([running, expect.stringMatching(/^False NodeNotReady/), running])
  expect((await get(ns, 'pods')).items.map(uidOf)).toEqual([uidOf(pod)])
})

test('a Job whose node is deleted continues on another node', async () => {
  const ns = await namespace('truth-node')
  await apply(ns, manifest('Model', 'it', work, simulate('hold')))
  await untilReady(ns, 'model/it', 'False Running')
  const [before] = (await get(ns, 'pods')).items
  const jobs = (await get(ns, 'jobs')).items.map(uidOf)
  const node = await ok(['get', 'node', before.spec.nodeName, '-o', 'json'])
  const seen = watch(ns, 'model/it')
  await ok(['delete', 'node', before.spec.nodeName])
  try {
    const another = ({ metadata }: Shown) => metadata.uid !== before.metadata.uid
    const pods: readonly Shown[] = await until(
      async () => (await get(ns, 'pods')).items,
      (items) => items.some((pod: Shown) => another(pod) && pod.spec.nodeName),
      110,
    )
    expect(pods.find(another).spec.nodeName).not.toBe(before.spec.nodeName)
    await until(
      async () => seen.lines.at(-1) ?? '',
      (line) => line.startsWith('False Running'),
    )
    expect(seen.lines.join('\n')).toContain(
      `NodeNotReady: Pod "${before.metadata.name}": node "${before.spec.nodeName}" is not ready: it was deleted`,
    )
    // For a moment there is no Pod. It was never Ready, and the Job is the same.
    expect(seen.lines.filter((line) => !line.startsWith('False '))).toEqual([])
    expect((await get(ns, 'jobs')).items.map(uidOf)).toEqual(jobs)
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
    seen.stop()
  }
})
