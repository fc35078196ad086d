import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { pino } from 'pino'
import request from 'supertest'
import { describe, expect, test } from 'vitest'
import { configOf } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { Condition } from '../../crds/status.ts'
import type { SyncResponse } from '../../hooks/observe/protocol.ts'
import { merge } from '../../platform/runner/merge.ts'
import { app } from '../../server/app.ts'
import { metrics } from '../../server/metrics.ts'
import type { Child } from '../objects.ts'

/**
 * recorded/ holds requests in the shape of Metacontroller 4.17, hooks version v2: whole objects with
 * managedFields, empty groups as {}, keys NAMESPACE/NAME, defaults of the API server filled in.
 */
interface Recorded {
  readonly url: string
  readonly request: {
    readonly controller: unknown
    readonly parent: Parent
    readonly children: Readonly<Record<string, Readonly<Record<string, Child>>>>
    readonly related: Readonly<Record<string, Readonly<Record<string, Child>>>>
  }
}

const recorded = (name: string): Recorded =>
  JSON.parse(readFileSync(new URL(`recorded/${name}.json`, import.meta.url), 'utf8'))

const result = configOf({ registry: { prefix: 'registry.test' } })
if ('errors' in result) throw new Error('the configuration is wrong')
const server = app({
  config: result.config,
  log: pino({ level: 'silent' }),
  metrics: metrics(),
})

const ask = async (name: string) => {
  const { url, request: body } = recorded(name)
  const answer = await request(server).post(url).send(body)
  expect(answer.status).toBe(200)
  expect(answer.headers['content-type']).toMatch(/^application\/json/)
  return { body, answer: answer.body }
}

describe('customize selects references by name, and nothing else', () => {
  test.each([
    { name: 'dataset-customize', wanted: [] },
    { name: 'model-customize', wanted: [['datasets', 'squad']] },
    { name: 'modelserver-customize', wanted: [['models', 'falcon']] },
    { name: 'notebook-customize', wanted: [['datasets', 'squad']] },
  ])('$name', async ({ name, wanted }) => {
    const { answer } = await ask(name)
    // Exact, because version v2 refuses unknown fields.
    expect(answer).toEqual({
      relatedResources: wanted.map(([resource, referred]) => ({
        apiVersion: 'substratus.ai/v1',
        resource,
        namespace: 'default',
        names: [referred],
      })),
    })
  })
})

describe('sync answers with what Metacontroller can apply', () => {
  test.each([
    {
      name: 'dataset-sync-no-children',
      ready: /^False Pending: starting Job "squad-dataset-load-2389f03d"$/,
      writes: [
        'create PersistentVolumeClaim/squad-dataset-artifacts',
        'create Job/squad-dataset-load-2389f03d',
      ],
    },
    {
      name: 'dataset-sync-job-running',
      ready: /^False Pending: no Pod yet: /,
      writes: [],
    },
    {
      name: 'model-sync-dataset-missing',
      ready: /^False ReferenceMissing: Dataset "squad" does not exist in this namespace$/,
      writes: ['create PersistentVolumeClaim/falcon-model-artifacts'],
    },
    {
      name: 'model-sync-run-complete',
      ready: /^False Pending: starting Job "falcon-model-package-158203d0"$/,
      writes: ['create Job/falcon-model-package-158203d0'],
    },
    {
      name: 'modelserver-sync-no-children',
      ready: /^False Pending: creating Deployment "falcon-server"$/,
      writes: ['create Deployment/falcon-server', 'create Service/falcon-server'],
    },
    // Made by an earlier version: it is adopted, which changes its annotations alone.
    {
      name: 'modelserver-sync-available',
      ready: /^True UpdatePending: 1 of 1 replicas available; update pending: /,
      writes: ['update Deployment/falcon-server'],
    },
    {
      name: 'notebook-sync-no-children',
      ready: /^False Pending: creating StatefulSet "explore-notebook"$/,
      writes: [
        'create PersistentVolumeClaim/explore-notebook-home',
        'create StatefulSet/explore-notebook',
        'create Service/explore-notebook',
        'create NetworkPolicy/explore-notebook',
      ],
    },
    // Its update strategy is OnDelete, so the Pod stays.
    {
      name: 'notebook-sync-serving',
      ready: /^True Serving: /,
      writes: ['update StatefulSet/explore-notebook'],
    },
  ])('$name', async ({ name, ready, writes }) => {
    const { body, answer } = await ask(name)
    expectStrict(answer)
    expect(readyOf(answer)).toMatch(ready)
    expect(writesOf(body, answer)).toEqual(writes)
  })

  // Otherwise an upgrade restarts every server, which must be intended.
  test('the spec of a server that an earlier version made is as it was', async () => {
    const { body, answer } = await ask('modelserver-sync-available')
    const existing = Object.values(body.children['Deployment.apps/v1'] ?? {})[0] as Child
    const emitted = answer.children.find(({ kind }: Child) => kind === 'Deployment')
    const last = JSON.parse(existing.metadata.annotations?.[lastApplied] ?? '{}')
    const merged = merge(existing, last, bound(emitted, body.parent)) as Child
    expect(merged.spec).toEqual(existing.spec)
    expect(merged.metadata.annotations).toEqual({
      ...existing.metadata.annotations,
      'substratus.ai/inputs': expect.stringMatching(/^[0-9a-f]{16}$/),
      'substratus.ai/template-generation': '1',
    })
  })

  test('a second time, with the same bytes', async () => {
    const { url, request: body } = recorded('notebook-sync-serving')
    const once = await request(server).post(url).send(body)
    expect((await request(server).post(url).send(body)).text).toBe(once.text)
  })

  test('a parent whose status is older than the last response is judged by its children', async () => {
    const { body, answer } = await ask('model-sync-run-complete')
    expect((body.parent.status as { stages?: object }).stages).toBeUndefined()
    expect(answer.status.stages.run.job).toBe('falcon-model-run-158203d0')
  })
})

const sorted = (of: object): readonly string[] => Object.keys(of).sort()

/** Version v2 refuses unknown fields, and fields that the API server fills in must not be sent. */
function expectStrict(answer: SyncResponse): void {
  const { resyncAfterSeconds, ...others } = answer
  expect(sorted(others)).toEqual(['children', 'status'])
  if (resyncAfterSeconds !== undefined) expect(resyncAfterSeconds).toBeGreaterThan(0)
  for (const child of answer.children) {
    const known = resources.get(child.kind)
    expect(child.apiVersion).toBe(known)
    expect(child.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
    expect(['default', undefined]).toContain(child.metadata.namespace)
    expect(sorted(child)).toEqual(['apiVersion', 'kind', 'metadata', 'spec'])
    for (const field of sorted(child.metadata))
      expect(['name', 'namespace', 'labels', 'annotations']).toContain(field)
    // The API server drops a null, and Metacontroller would write it again and again.
    expect(JSON.stringify(child)).not.toMatch(/:null/)
  }
  const keys = answer.children.map(keyOf)
  expect(new Set(keys).size).toBe(keys.length)
}

const resources = new Map([
  ['Job', 'batch/v1'],
  ['PersistentVolumeClaim', 'v1'],
  ['Deployment', 'apps/v1'],
  ['StatefulSet', 'apps/v1'],
  ['Service', 'v1'],
  ['NetworkPolicy', 'networking.k8s.io/v1'],
])

const keyOf = ({ kind, metadata }: Child): string => `${kind}/${metadata.name}`

const readyOf = ({ status }: SyncResponse): string => {
  const { conditions } = status as { readonly conditions: readonly Condition[] }
  const found = conditions.find(({ type }) => type === 'Ready')
  return `${found?.status} ${found?.reason}: ${found?.message}`
}

/** What Metacontroller would write after the response: nothing for a child that is up to date. */
function writesOf({ parent, children }: Recorded['request'], answer: SyncResponse) {
  const observed = Object.values(children).flatMap((group) => Object.values(group))
  const gone = observed.filter(
    (one) => !answer.children.some((child) => keyOf(child) === keyOf(one)),
  )
  return [
    ...gone.map((child) => `delete ${keyOf(child)}`),
    ...answer.children.flatMap((child) => {
      const existing = observed.find((one) => keyOf(one) === keyOf(child))
      if (!existing) return [`create ${keyOf(child)}`]
      const last = JSON.parse(existing.metadata.annotations?.[lastApplied] ?? '{}')
      const merged = merge(existing, last, bound(child, parent))
      return isDeepStrictEqual(merged, existing) ? [] : [`update ${keyOf(child)}`]
    }),
  ]
}

const lastApplied = 'metacontroller.k8s.io/last-applied-configuration'

const bound = ({ metadata, ...child }: Child, parent: Parent) => ({
  ...child,
  metadata: {
    ...metadata,
    namespace: parent.metadata.namespace,
    labels: { ...metadata.labels, 'controller-uid': parent.metadata.uid },
  },
})
