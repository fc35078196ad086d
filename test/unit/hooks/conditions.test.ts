import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import type { Condition } from '../../../crds/status.ts'
import { hooks } from '../../../hooks/hooks.ts'
import {
  aConfig,
  aDataset,
  aJob,
  aModel,
  applied,
  requestFor,
  running,
  type Seen,
  statusOf,
  stored,
  sync,
} from '../../objects.ts'

/** The times of conditions: of the request in which their status changed. */

const monday = '2026-11-23T08:00:00Z'
const tuesday = '2026-11-24T08:00:00Z'
const squad = aDataset({ source: 'https://example.com/squad' })

function syncAt(now: string | undefined, parent: Parent, seen: readonly Seen[] = []) {
  const hook = hooks.find(({ kind }) => kind.kind === parent.kind)
  const request = requestFor(parent, ...seen)
  const answer = hook?.sync({ ...request, ...(now && { now }) }, aConfig())
  if (!answer) throw new Error(`no hook for ${parent.kind}`)
  return answer
}

const timesIn = (answer: ReturnType<typeof sync>) =>
  Object.fromEntries(
    statusOf(answer).conditions.map(({ type, lastTransitionTime = 'none' }) => [
      type,
      lastTransitionTime,
    ]),
  )

/** A status of an earlier version, or one that was made for a request without a time. */
const first = syncAt(undefined, squad)
const dated = syncAt(monday, squad)
const claims = applied(first).filter(({ kind }) => kind !== 'Job')
const all = (time: string) => ({ Ready: time, Built: time, Complete: time })

describe('the time of a condition', () => {
  test('is that of the first request', () => {
    expect(timesIn(dated)).toEqual(all(monday))
  })

  test('is left out if the request has none', () => {
    expect(timesIn(first)).toEqual(all('none'))
    expect(timesIn(syncAt(undefined, stored(squad, dated)))).toEqual(all(monday))
  })

  test('stays while the status does, whatever the reason', () => {
    const seen = [...claims, aJob(first, running)]
    const later = syncAt(tuesday, stored(squad, dated), seen)
    expect(statusOf(later).conditions).not.toEqual(statusOf(dated).conditions)
    expect(timesIn(later)).toEqual(all(monday))
    const idle = syncAt('2026-11-25T08:00:00Z', stored(squad, later), seen)
    expect(JSON.stringify(idle)).toBe(JSON.stringify(later))
  })

  test('is new when the status changes, and that of other conditions is not', () => {
    const suspended = { ...squad, spec: { ...(squad.spec as object), suspend: true } }
    const later = syncAt(tuesday, stored(suspended, dated), claims)
    expect(timesIn(later)).toEqual({ Ready: tuesday, Built: monday, Complete: monday })
  })

  test('of a status from an earlier version is written once', () => {
    const upgraded = syncAt(monday, stored(squad, first))
    expect(timesIn(upgraded)).toEqual(all(monday))
    const later = syncAt(tuesday, stored(squad, upgraded))
    expect(JSON.stringify(later.status)).toBe(
      JSON.stringify(syncAt(monday, stored(squad, upgraded)).status),
    )
  })

  test.each([
    'yesterday',
    '2026-13-01T00:00:00Z',
    '2026-11-23T08:00:00.123456+02:00',
    '9'.repeat(1000),
    7,
    null,
  ])('is replaced if %j is written into the status', (lastTransitionTime) => {
    const conditions = statusOf(dated).conditions.map((one) => ({ ...one, lastTransitionTime }))
    const parent = { ...squad, status: { ...statusOf(dated), conditions } }
    expect(timesIn(syncAt(tuesday, parent))).toEqual(all(tuesday))
    expect(timesIn(syncAt(undefined, parent))).toEqual(all('none'))
  })

  test('stays in the status of an object that has become invalid', () => {
    const invalid = stored({ ...squad, spec: { source: 7 } }, dated)
    const answer = syncAt(tuesday, invalid)
    expect(timesIn(answer)).toEqual({ ...all(monday), Stalled: tuesday })
    expect(timesIn(syncAt('2026-11-25T08:00:00Z', stored(invalid, answer)))).toEqual(
      timesIn(answer),
    )
  })
})

test('Stalled goes once the spec is corrected', () => {
  const invalid = aModel({ image: 7 })
  const refused = sync(invalid)
  const types = (answer: typeof refused) =>
    statusOf(answer).conditions.map(({ type }: Condition) => type)
  expect(types(refused)).toEqual(['Ready', 'Stalled'])
  const again = sync(stored(invalid, refused))
  expect(types(again)).toEqual(['Ready', 'Stalled'])
  expect(types(sync(stored(aModel({ image: 'i' }), again)))).not.toContain('Stalled')
})
