import { describe, expect, test } from 'vitest'
import {
  aModel,
  aModelServer,
  applied,
  complete,
  readyOf,
  statusOf,
  stored,
  sync,
} from '../../objects.ts'

const model = aModel({ source: 'hf://org/falcon' })
const first = sync(model)
const claims = applied(first).filter(({ kind }) => kind === 'PersistentVolumeClaim')
const job = first.children.find(({ kind }) => kind === 'Job')?.metadata.name

describe('a child that does not exist', () => {
  test('is created, and the status remembers that it was requested', () => {
    expect(readyOf(first)).toBe(`False Pending: creating Job "${job}"`)
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
    expect(readyOf(sync(changed, claims))).toMatch(/^False Pending: creating Job "/)
  })

  test('is recognised by the messages of earlier versions, which had no status.awaited', () => {
    const { awaited: _, ...words } = statusOf(first)
    expect(readyOf(sync({ ...model, status: words }, claims))).toMatch(/^False ChildMissing: Job "/)
    const { awaited: __, ...missing } = statusOf(sync(stored(model, first), claims))
    const third = sync({ ...model, status: missing }, claims)
    expect(readyOf(third)).toMatch(/^False ChildMissing: Job "/)
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
