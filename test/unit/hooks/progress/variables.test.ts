import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../../crds/kind.ts'
import { hooks } from '../../../../hooks/hooks.ts'
import type { SyncRequest, SyncResponse } from '../../../../hooks/observe/protocol.ts'
import { attemptIn } from '../../../../hooks/progress/address.ts'
import type { Reported } from '../../../../hooks/progress/progress.ts'
import {
  aConfig,
  aDataset,
  aJob,
  aModel,
  aModelServer,
  aNotebook,
  aPod,
  applied,
  type Child,
  childrenOf,
  completed,
  conditionOf,
  ended,
  type Json,
  report,
  requestFor,
  running,
  stored,
  theChild,
  throughJson,
} from '../../../objects.ts'

/** How the hooks tell programs where to report, and what a sync shows of their reports. */

const reporting = { url: 'http://substratus.substratus.svc:8090', key: 'first' }
const image = 'example.com/train:1'
const model = aModel({ image, params: { a: 1 } })

function asked(
  parent: Parent,
  seen: readonly Child[],
  more: Partial<SyncRequest> = { reporting },
  config = aConfig(),
): SyncResponse {
  const hook = hooks.find(({ kind }) => kind.kind === parent.kind)
  return throughJson(
    hook?.sync({ ...requestFor(parent, ...seen), ...more }, config),
  ) as SyncResponse
}

/** The variables about progress in the container of a stage. */
function toldTo(job: Child, name: string): Readonly<Record<string, string>> {
  const { initContainers = [], containers } = job.spec.template.spec
  const found = [...initContainers, ...containers].find((one: Json) => one.name === name)
  return Object.fromEntries(
    (found.env ?? [])
      .filter((one: Json) => /PROGRESS|KUBEFLOW/.test(one.name))
      .map((one: Json) => [one.name, one.value]),
  )
}

describe('the program of a stage is told its address', () => {
  test('a run, with the variables of Kubeflow Trainer', () => {
    const job = theChild(asked(model, []), 'Job')
    const { SUBSTRATUS_PROGRESS_URL: address = '', ...others } = toldTo(job, 'run')
    expect(attemptIn(address.replace(reporting.url, ''))).toMatchObject({
      uid: 'uid-of-falcon',
      job: job.metadata.name,
    })
    expect(others).toEqual({
      KUBEFLOW_TRAINER_SERVER_URL: address,
      KUBEFLOW_TRAINER_SERVER_TOKEN: '/etc/hostname',
    })
  })

  test.each([
    { stage: 'build', parent: aModel({ build: { git: { url: 'https://example.com/a' } } }) },
    { stage: 'load', parent: aDataset({ source: 's3://bucket/a' }) },
    { stage: 'run', parent: aModel({ source: 'hf://org/a' }) },
  ])('a $stage of ours', ({ stage, parent }) => {
    const job = theChild(asked(parent, []), 'Job')
    expect(toldTo(job, stage)).toHaveProperty('SUBSTRATUS_PROGRESS_URL')
  })

  test('sealing and packaging', () => {
    const jobOf = (answer: SyncResponse, stage: string): Child =>
      childrenOf(answer, 'Job').find(({ metadata }) =>
        metadata.name.includes(`-${stage}-`),
      ) as Child
    /** What follows when the Jobs of an answer have completed. */
    const following = (answer: SyncResponse): SyncResponse => {
      const children = applied(answer, completed)
      const jobs = children.filter(({ kind }) => kind === 'Job')
      const pods = jobs.map((job) => aPod(job, ended(0, report())))
      return asked(stored(model, answer), [...children, ...pods])
    }
    const sealing = following(asked(model, []))
    expect(toldTo(jobOf(sealing, 'seal'), 'seal')).toHaveProperty('SUBSTRATUS_PROGRESS_URL')
    const packaging = following(sealing)
    const pack = toldTo(jobOf(packaging, 'package'), 'package')
    expect(pack).toHaveProperty('SUBSTRATUS_PROGRESS_URL')
  })

  test('not the clone of a build, and nobody without a server to report to', () => {
    const parent = aModel({ build: { git: { url: 'https://example.com/a' } } })
    expect(toldTo(theChild(asked(parent, []), 'Job'), 'clone')).toEqual({})
    expect(toldTo(theChild(asked(model, [], {}), 'Job'), 'run')).toEqual({})
  })

  test('unless spec.env says otherwise', () => {
    const env = { KUBEFLOW_TRAINER_SERVER_URL: 'https://other.example.com' }
    const job = theChild(asked(aModel({ image, params: { a: 1 }, env }), []), 'Job')
    expect(toldTo(job, 'run')).toMatchObject(env)
    const names = job.spec.template.spec.containers[0].env.map((one: Json) => one.name)
    expect(names).toHaveLength(new Set(names).size)
  })
})

describe('an existing Job stays as it is', () => {
  const waiting = { phase: 'Pending', conditions: [] }
  test.each<{ when: string; before: Partial<SyncRequest>; seen: object; phase: object }>([
    { when: 'it runs, and an upgrade adds the address', before: {}, seen: running, phase: {} },
    { when: 'it waits, and an upgrade adds the address', before: {}, seen: {}, phase: waiting },
    {
      when: 'it runs, and the key changes',
      before: { reporting: { ...reporting, key: 'former' } },
      seen: running,
      phase: {},
    },
    {
      when: 'it waits, and the key changes',
      before: { reporting: { ...reporting, key: 'former' } },
      seen: {},
      phase: waiting,
    },
  ])('when $when', ({ before, seen, phase }) => {
    const first = asked(model, [], before)
    const job = aJob(first, seen)
    const next = asked(stored(model, first), [job, aPod(job, phase)])
    expect(theChild(next, 'Job').spec.template).toEqual(theChild(first, 'Job').spec.template)
  })
})

describe('a sync shows the report of the Job that works', () => {
  const now = '2026-01-01T01:00:00Z'
  const first = asked(model, [])
  const job = aJob(first)
  const atWork = {
    phase: 'Running',
    containerStatuses: [{ name: 'run', ready: true, state: { running: {} } }],
  }
  const seen = [...applied(first, running), aPod(job, atWork)]
  const reportOf = (percent: number): Reported => ({
    report: { percent, metrics: [['loss', 0.5]] },
    at: now,
    secondsLeft: 7300,
  })
  const reports = new Map([[job.metadata.name, reportOf(45)]])
  const heard = asked(stored(model, first), seen, { reporting, reports, now })

  test('with the words of Ready as they were', () => {
    expect((heard.status as Json).progress).toMatchObject({
      job: job.metadata.name,
      stage: 'run',
      percent: 45,
      summary: '45% loss 0.5, 2h left',
    })
    expect(conditionOf(heard, 'Ready')).toBe(
      `False Running: Pod "${job.metadata.name}-x7k2p" is running`,
    )
  })

  test.each(
    [aModel, aDataset, aModelServer, aNotebook].map((make) => ({
      parent: make({
        build: { git: { url: 'https://example.com/a' } },
        ...(make === aModelServer && { model: { name: 'falcon' } }),
      }),
    })),
  )('and of a build, of each kind: $parent.kind', ({ parent }) => {
    const first = asked(parent, [])
    const job = aJob(first)
    const atWork = { ...running, phase: 'Running', containerStatuses: [] }
    const report = { step: 2, of: 5, message: 'RUN make', metrics: [] as const }
    const answer = asked(stored(parent, first), [...applied(first, running), aPod(job, atWork)], {
      reporting,
      reports: new Map([[job.metadata.name, { report, at: now }]]),
      now,
    })
    expect((answer.status as Json).progress).toMatchObject({
      stage: 'build',
      summary: expect.stringMatching(/^40%/),
    })
  })

  test('and syncs again as often as without one', () => {
    const without = asked(stored(model, first), seen, { reporting, now })
    expect(heard.resyncAfterSeconds).toBe(without.resyncAfterSeconds)
  })

  test('and none of another Job', () => {
    const others = new Map([['falcon-model-run-ffffffff', reportOf(45)]])
    const answer = asked(stored(model, first), seen, { reporting, reports: others, now })
    expect(answer.status).not.toHaveProperty('progress')
  })

  test('and that reports have stopped', () => {
    const old = { ...reportOf(45), at: '2026-01-01T00:00:00Z', patience: 300 }
    const reports = new Map([[job.metadata.name, old]])
    const more = { reporting, reports, now: '2026-01-01T00:00:01Z' }
    const shown = asked(stored(model, first), seen, more)
    const doubtful = asked(stored(model, shown), seen, { ...more, now: '2026-01-01T00:10:00Z' })
    const silent = asked(stored(model, doubtful), seen, { ...more, now: '2026-01-01T00:11:00Z' })
    expect(conditionOf(silent, 'Ready')).toBe(
      `False Running: Pod "${job.metadata.name}-x7k2p" is running; no report of its progress since 2026-01-01T00:00:00Z`,
    )
  })

  test('until it has ended, with its last report, and never again', () => {
    const last = { ...reportOf(100), at: '2026-01-01T01:00:05Z' }
    const ended = asked(stored(model, heard), [aJob(first, completed)], {
      reporting,
      reports: new Map([[job.metadata.name, last]]),
      now: '2026-01-01T01:00:06Z',
    })
    const { progress } = ended.status as Json
    expect(progress).toMatchObject({ percent: 100, curve: [{ metric: 'loss' }] })
    expect(progress).not.toHaveProperty('summary')
    const later = asked(stored(model, ended), applied(ended, completed), {
      reporting,
      now: '2026-01-01T02:00:00Z',
    })
    expect((later.status as Json).progress).toEqual(progress)
  })

  test('and a forged status never makes an answer that its schema refuses', () => {
    const forged = {
      job: 'x y',
      percent: 1e9,
      curve: [{ metric: 'loss', over: 'step', at: [1, 2, 3], values: ['a'] }],
    }
    const parent = { ...model, status: { ...(first.status as object), progress: forged } }
    const answer = asked(parent, seen, { reporting, reports, now })
    expect((answer.status as Json).progress).toMatchObject({ percent: 45 })
  })
})
