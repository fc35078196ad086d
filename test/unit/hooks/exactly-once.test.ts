import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import type { SyncResponse } from '../../../hooks/observe/protocol.ts'
import type { Child } from '../../objects.ts'
import {
  aDataset,
  aModel,
  aPod,
  complete,
  completed,
  ended,
  observed,
  report,
  type Seen,
  statusOf,
  stored,
  sync,
} from '../../objects.ts'

/**
 * A model of a cluster: Metacontroller writes the children first and the status afterwards, its view may
 * lag, its answers may be lost between the two, and finished Jobs may be deleted by their TTL.
 */
type Step =
  | 'sync'
  | 'sync, and the status is lost'
  | 'sync of an older view'
  | 'Job completes'
  | 'Pod is swept away'
  | 'ttl passes'

const steps: readonly Step[] = [
  'sync',
  'sync, and the status is lost',
  'sync of an older view',
  'Job completes',
  'Pod is swept away',
  'ttl passes',
]

const squad = complete(aDataset({ source: 'https://example.com/squad' }), {
  url: 'pvc://squad-dataset-artifacts/load/1',
})

interface Cluster {
  parent: Parent
  children: readonly Child[]
  pods: readonly Child[]
  /** Each Job that was ever created, by name. */
  created: Record<string, number>
}

const isDone = (job: Child): boolean => Boolean(job.status?.conditions)

function write(cluster: Cluster, answer: SyncResponse, withStatus: boolean): void {
  for (const child of answer.children) {
    const before = cluster.children.find(({ metadata }) => metadata.name === child.metadata.name)
    if (!before && child.kind === 'Job')
      cluster.created[child.metadata.name] = (cluster.created[child.metadata.name] ?? 0) + 1
    const now = observed(child, before?.status)
    cluster.children = [...cluster.children.filter((it) => it !== before), now]
  }
  const wanted = answer.children.map(({ metadata }) => metadata.name)
  cluster.children = cluster.children.filter(({ metadata }) => wanted.includes(metadata.name))
  if (withStatus) cluster.parent = stored(cluster.parent, answer)
}

const viewOf = ({ children, pods }: Cluster): readonly Seen[] => [squad, ...children, ...pods]

const doing: Record<Step, (cluster: Cluster, older: Cluster) => void> = {
  sync: (cluster) => write(cluster, sync(cluster.parent, viewOf(cluster)), true),
  'sync, and the status is lost': (cluster) =>
    write(cluster, sync(cluster.parent, viewOf(cluster)), false),
  // Metacontroller's caches lag for Pods; its write of an older status is refused by the API server.
  'sync of an older view': (cluster, older) =>
    write(cluster, sync(cluster.parent, [squad, ...cluster.children, ...older.pods]), true),
  'Job completes': (cluster) => {
    const job = cluster.children.find((child) => child.kind === 'Job' && !isDone(child))
    if (!job) return
    const done = { ...job, status: completed }
    cluster.children = cluster.children.map((child) => (child === job ? done : child))
    cluster.pods = [...cluster.pods, aPod(job, ended(0, report({ bytes: 1 })))]
  },
  'Pod is swept away': (cluster) => {
    cluster.pods = cluster.pods.slice(1)
  },
  'ttl passes': (cluster) => {
    cluster.children = cluster.children.filter(
      (child) =>
        !(
          child.kind === 'Job' &&
          isDone(child) &&
          child.spec.ttlSecondsAfterFinished !== undefined
        ),
    )
  },
}

const spec = {
  build: { git: { url: 'https://example.com/repo' } },
  dataset: { name: 'squad' },
  runPolicy: { ttlSecondsAfterFinished: 0 },
}

test('whatever is lost or late, a run is made exactly once, and so is an image whose digest was read', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...steps), { maxLength: 40 }), (before) => {
      const cluster: Cluster = { parent: aModel(spec), children: [], pods: [], created: {} }
      let older = { ...cluster }
      // In the end the failures stop, and the state converges.
      const calm = Array.from({ length: 8 }, (): Step[] => ['sync', 'Job completes', 'ttl passes'])
      for (const step of [...before, ...calm.flat(), 'sync' as const]) {
        const now = { ...cluster }
        doing[step](cluster, older)
        older = now
      }
      const [build = 0, run, seal = 0, packaging = 0, ...others] = Object.values(cluster.created)
      expect([run, others]).toEqual([1, []])
      // An image whose digest was lost with its Pod is built again; nothing else is.
      const unseen = before.filter((step) => /older view|swept away/.test(step)).length
      expect(build + packaging - 2).toBeLessThanOrEqual(unseen)
      // A seal that has not started is created again once the Pod that knew the node is gone.
      expect(seal - 1).toBeLessThanOrEqual(unseen)
      expect(cluster.parent.status).toMatchObject({ ready: true })
      expect(
        Object.keys(statusOf({ status: cluster.parent.status, children: [] }).stages ?? {}),
      ).toEqual(['build', 'run', 'package'])
    }),
    { numRuns: 300 },
  )
}, 120_000)
