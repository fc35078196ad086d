import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import { hooks } from '../../../hooks/hooks.ts'
import type { SyncResponse } from '../../../hooks/observe/protocol.ts'
import {
  aConfig,
  aModel,
  aModelServer,
  applied,
  complete,
  readyOf,
  requestFor,
  type Seen,
  statusOf,
  stored,
  sync,
  throughJson,
} from '../../objects.ts'

const model = aModel({ source: 'hf://org/falcon' })
const first = sync(model)
const claims = applied(first).filter(({ kind }) => kind === 'PersistentVolumeClaim')
const job = first.children.find(({ kind }) => kind === 'Job')?.metadata.name

describe('a child that does not exist', () => {
  test('is created, and the status remembers that it was requested', () => {
    expect(readyOf(first)).toBe(`False Pending: starting Job "${job}"`)
    expect(statusOf(first).awaited).toEqual([`Job/${job}`])
  })

  test('is missing if the previous answer requested it too, and stays awaited', () => {
    const second = sync(stored(model, first), claims)
    expect(readyOf(second)).toMatch(`False ChildMissing: Job "${job}"`)
    expect(statusOf(second).awaited).toEqual([`Job/${job}`])
  })

  test('is forgotten once it exists', () => {
    const second = sync(stored(model, first), applied(first))
    expect(statusOf(second)).not.toHaveProperty('awaited')
  })

  test('is not missing because another child was', () => {
    const second = sync(stored(model, first), claims)
    const changed = { ...stored(model, second), spec: { source: 'hf://org/eagle' } }
    expect(readyOf(sync(changed, claims))).toMatch(/^False Pending: starting Job "/)
  })

  test('is recognised by the messages of earlier versions, which had no status.awaited', () => {
    const { awaited: _, ...status } = statusOf(first)
    const words = JSON.parse(JSON.stringify(status).replaceAll('starting Job', 'creating Job'))
    expect(readyOf(sync({ ...model, status: words }, claims))).toMatch(/^False ChildMissing: Job "/)
    const { awaited: __, ...missing } = statusOf(sync(stored(model, first), claims))
    const third = sync({ ...model, status: missing }, claims)
    expect(readyOf(third)).toMatch(/^False ChildMissing: Job "/)
  })
})

describe('where the time is known, a child that does not exist', () => {
  const at = (time: string, parent: Parent, seen: readonly Seen[]) => {
    const now = `2026-01-01T00:${time}Z`
    const answer = hooks
      .find(({ kind }) => kind.kind === parent.kind)
      ?.sync({ ...requestFor(parent, ...seen), now }, aConfig())
    return throughJson(answer) as SyncResponse
  }
  const requested = at('00:00', model, [])
  const later = at('00:30', stored(model, requested), claims)

  test('may be one that Metacontroller cannot see yet, for a minute', () => {
    expect(readyOf(later)).toBe(`False Pending: starting Job "${job}"`)
    expect(statusOf(later)).toEqual(statusOf(requested))
    const found = at('00:59', stored(model, later), applied(requested))
    expect(readyOf(found)).toMatch(/^False Pending: no Pod yet: /)
    expect(statusOf(found)).not.toHaveProperty('awaitedSince')
  })

  test('is missing after a minute, and stays so', () => {
    const missing = at('01:10', stored(model, later), claims)
    expect(readyOf(missing)).toMatch(/^False ChildMissing: Job "/)
    const still = at('02:00', stored(model, missing), claims)
    expect(statusOf(still)).toEqual(statusOf(missing))
  })

  test('is given its own minute, however long another one was awaited', () => {
    const changed = { ...stored(model, later), spec: { source: 'hf://org/eagle' } }
    const other = at('05:00', changed, claims)
    expect(readyOf(at('05:30', stored(changed, other), claims))).toMatch(/^False Pending: starting/)
  })

  test('is missing at once if an earlier version requested it, which recorded no time', () => {
    const { awaitedSince: _, ...status } = statusOf(requested)
    const missing = at('00:30', { ...model, status }, claims)
    expect(readyOf(missing)).toMatch(/^False ChildMissing: Job "/)
    expect(statusOf(missing)).not.toHaveProperty('awaitedSince')
  })
})

test('a server waits for its Service too, once its Deployment exists', () => {
  const server = aModelServer({ model: { name: 'falcon' } })
  const served = complete(model, { url: 'pvc://falcon-model-artifacts/run/1' })
  const answer = sync(server, [served])
  const [deployment] = applied(answer)
  const next = sync(stored(server, answer), [served, ...(deployment ? [deployment] : [])])
  expect(readyOf(next)).toBe('False Pending: creating Service "falcon-server"')
  expect(statusOf(next).awaited).toEqual(['Service/falcon-server'])
})
