import { expect, test } from 'vitest'
import { model as hook } from '../../../../hooks/model.ts'
import {
  aConfig,
  aModel,
  aPod,
  applied,
  observed,
  readyOf,
  requestFor,
  running,
  stored,
  sync,
  theChild,
} from '../../../objects.ts'

/** A silence of a training is measured from the start of its program, which the status of its Pod has. */

const created = aModel({ image: 'example.com/train:1', params: { epochs: 1 } })
const first = sync(created)
const others = applied(first).filter(({ kind }) => kind !== 'Job')
const job = observed(theChild(first, 'Job'), running)
const last = {
  report: { percent: 9, metrics: [] },
  at: '2026-01-01T00:00:00Z',
  patience: 300,
}

/** What Ready says after syncs at these times, with a Pod whose program began to run at `startedAt`. */
function saidAt(startedAt: string, ...times: readonly string[]): string {
  const containerStatuses = [{ name: 'run', state: { running: { startedAt } } }]
  const pod = aPod(job, { phase: 'Running', containerStatuses })
  let parent = created
  let said = ''
  for (const now of times) {
    const reports = new Map([[job.metadata.name, last]])
    const response = hook.sync(
      { ...requestFor(parent, ...others, job, pod), reports, now },
      aConfig(),
    )
    parent = stored(parent, response)
    said = readyOf(response)
  }
  return said
}

const times = ['2026-01-01T00:05:00Z', '2026-01-01T01:05:01Z', '2026-01-01T01:06:01Z']

test.each([
  {
    when: 'that has run since its last report',
    startedAt: '2026-01-01T00:00:00Z',
    since: '00:00:00',
  },
  { when: 'that began again an hour later', startedAt: '2026-01-01T01:00:00Z', since: '01:00:00' },
])('of a program $when', ({ startedAt, since }) => {
  expect(saidAt(startedAt, ...times)).toContain(
    `is running; no report of its progress since 2026-01-01T${since}Z`,
  )
})

test('no silence is told of a program that began a moment ago', () => {
  expect(saidAt('2026-01-01T01:04:00Z', ...times)).not.toContain('no report')
})
