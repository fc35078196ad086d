import { spawn } from 'node:child_process'
import { describe, expect, inject, test } from 'vitest'
import { apply, get, manifest, names, namespace, ok, until, untilReady } from './cluster.ts'

/**
 * What goes wrong on real nodes, and what `kubectl get` says of it, word by word: soon, without
 * flapping, never Ready while it is not, and gone when the cause is.
 */
const soon = 15_000
const image = 'example.com/train:1'
const simulate = (what: string) => ({ labels: { simulate: what } })

interface Trouble {
  readonly when: string
  readonly kind: 'Model' | 'ModelServer'
  readonly spec: object
  readonly simulate?: string
  /** Something of the namespace that is in the way. */
  readonly given?: (ns: string) => Promise<unknown>
  readonly says: RegExp
  readonly mend: (ns: string) => Promise<unknown>
  readonly after: RegExp
}

const work = { image, params: { epochs: 1 } }
const serves = { model: { name: 'base' } }

const unlabelPods = async (ns: string) => ok(['-n', ns, 'label', 'pods', '--all', 'simulate-'])
/** The same object with other parameters, and nothing simulated. */
const changed = (ns: string) => apply(ns, manifest('Model', 'it', { image, params: { epochs: 2 } }))
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const exactly = (text: string): RegExp => new RegExp(`^${escaped(text)}$`)

const quota = JSON.stringify({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'none' },
  spec: { hard: { pods: '0' } },
})
const labelNamespace = (ns: string, label: string) => ok(['label', 'namespace', ns, label])

const troubles: readonly Trouble[] = [
  {
    when: 'more GPUs than any node has',
    kind: 'Model',
    spec: { ...work, resources: { gpu: { type: 'nvidia-l4', count: 64 } } },
    says: /^False Unschedulable: 0\/\d+ nodes are available: .*Insufficient nvidia\.com\/gpu/,
    mend: changed,
    after: /^True Done: /,
  },
  {
    when: 'an image that does not exist',
    kind: 'ModelServer',
    spec: serves,
    simulate: 'pull',
    says: exactly(
      'False ImagePullFailed: container "server": cannot pull image "example.com/base:1": failed to resolve reference "example.com/base:1": not found',
    ),
    mend: unlabelPods,
    after: /^True Serving: /,
  },
  {
    when: 'a key of a Secret that does not exist',
    kind: 'ModelServer',
    spec: serves,
    simulate: 'secret',
    says: exactly(
      'False ContainerConfigError: container "server": couldn\'t find key token in Secret hub',
    ),
    mend: unlabelPods,
    after: /^True Serving: /,
  },
  {
    when: 'a program that exits with 3 and a last word',
    kind: 'Model',
    spec: work,
    simulate: 'exit',
    says: exactly(
      'False Failed: container "run" exited with 3: epoch 1 of 3 | CUDA error: out of luck',
    ),
    mend: changed,
    after: /^True Done: /,
  },
  {
    when: 'a program that uses too much memory',
    kind: 'Model',
    spec: work,
    simulate: 'oom',
    says: exactly('False OOMKilled: container "run" was killed for using more memory than it may'),
    mend: changed,
    after: /^True Done: /,
  },
  {
    when: 'a server that crashes again and again',
    kind: 'ModelServer',
    spec: serves,
    simulate: 'crash',
    says: exactly(
      'False CrashLooping: container "server" exited with 1: no kernel image for this device',
    ),
    mend: unlabelPods,
    after: /^True Serving: /,
  },
  {
    when: 'a server that never answers',
    kind: 'ModelServer',
    spec: serves,
    simulate: 'silent',
    says: /^False Starting: Pod "it-server-\S+" runs and does not answer yet$/,
    mend: unlabelPods,
    after: /^True Serving: /,
  },
  {
    when: 'a Pod that is evicted: it is tried again',
    kind: 'Model',
    spec: work,
    simulate: 'evict',
    says: exactly(
      'False Running: trying again after: Pod Evicted: The node was low on resource: memory.',
    ),
    mend: changed,
    after: /^True Done: /,
  },
  {
    when: 'a quota that is used up',
    kind: 'ModelServer',
    spec: serves,
    given: (ns) => apply(ns, quota),
    says: /^False PodRefused: pods "it-server-\S+" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0$/,
    mend: (ns) => ok(['-n', ns, 'delete', 'resourcequota', 'none']),
    after: /^True Serving: /,
  },
  {
    when: 'a quota that is used up, for a Job',
    kind: 'Model',
    spec: work,
    given: (ns) => apply(ns, quota),
    says: /^False Pending: no Pod yet: kubectl describe job it-model-run-\w{8} says why$/,
    mend: (ns) => ok(['-n', ns, 'delete', 'resourcequota', 'none']),
    after: /^True Done: /,
  },
  {
    when: 'Pod Security that refuses the Pod',
    kind: 'ModelServer',
    spec: serves,
    given: (ns) => labelNamespace(ns, 'pod-security.kubernetes.io/enforce=restricted'),
    says: /^False PodRefused: pods "it-server-\S+" is forbidden: violates PodSecurity "restricted:latest": /,
    mend: (ns) => labelNamespace(ns, 'pod-security.kubernetes.io/enforce-'),
    after: /^True Serving: /,
  },
]

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

/** What `kubectl get -w` shows of Ready from now on. */
function watch(ns: string, what: string) {
  const { kubectl, kubeconfig } = inject('cluster')
  const readies: string[] = []
  const reasons: string[] = []
  const columns = 'READY:.status.conditions[0].status,REASON:.status.conditions[0].reason'
  const child = spawn(
    kubectl,
    [
      ...['--kubeconfig', kubeconfig, '-n', ns, 'get', what, '-w', '--no-headers'],
      ...['-o', `custom-columns=${columns}`],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  child.stdout.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().trim().split('\n')) {
      const [ready = '', reason = ''] = line.trim().split(/\s+/)
      if (reason === '<none>' || !reason) continue
      readies.push(ready)
      reasons.push(reason)
    }
  })
  return { readies, reasons, stop: () => void child.kill() }
}

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
