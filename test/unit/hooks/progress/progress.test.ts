import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ProgressStatus } from '../../../../crds/progress.ts'
import { type Pace, paceAfter, patience, secondsLeft } from '../../../../hooks/progress/pace.ts'
import {
  progressAfter,
  progressAtEnd,
  type Reported,
  silenceNote,
  type Working,
} from '../../../../hooks/progress/progress.ts'
import type { Report } from '../../../../hooks/progress/report.ts'

const start = Date.UTC(2026, 0, 1)
const timeAt = (second: number): string =>
  new Date(start + 1000 * second).toISOString().replace(/\.[0-9]+Z$/, 'Z')

const run: Working = { job: 'm-model-run-1', stage: 'run', isRunning: true }

const reportedAt = (second: number, report: Partial<Report>, more: Partial<Reported> = {}) => ({
  report: { metrics: [], ...report },
  at: timeAt(second),
  ...more,
})

/** The reports of a server that has heard from one attempt only. */
const from = (reported: Reported | undefined, { job }: Pick<Working, 'job'> = run) =>
  reported && new Map([[job, reported]])

/** The status after syncs, each at its second, with the last report of the server that answers. */
const shownAfter = (
  syncs: readonly (readonly [second: number, reported?: Reported, working?: Working])[],
): ProgressStatus | undefined =>
  syncs.reduce<ProgressStatus | undefined>(
    (before, [second, reported, working = run]) =>
      progressAfter(before, working, from(reported, working), timeAt(second)),
    undefined,
  )

describe('status.progress', () => {
  test('shows the first report at once', () => {
    const report = { step: 450, of: 1000, message: 'epoch 2', metrics: [['loss', 0.51]] } as const
    expect(shownAfter([[5, reportedAt(3, report, { secondsLeft: 7200 })]])).toEqual({
      job: 'm-model-run-1',
      stage: 'run',
      percent: 45,
      step: 450,
      of: 1000,
      message: 'epoch 2',
      metrics: { loss: '0.51' },
      summary: '45% loss 0.51, 2h left',
      since: timeAt(3),
      reported: timeAt(3),
      updated: timeAt(5),
      eta: timeAt(7203),
      curve: [{ metric: 'loss', over: 'step', at: [450], values: [0.51] }],
    })
  })

  test.each<{
    when: string
    syncs: Parameters<typeof shownAfter>[0]
    shown: Partial<ProgressStatus> | undefined
  }>([
    { when: 'no report has come', syncs: [[0]], shown: undefined },
    {
      when: 'another one comes within 15 s',
      syncs: [
        [0, reportedAt(0, { percent: 1 })],
        [14, reportedAt(14, { percent: 9 })],
      ],
      shown: { percent: 1 },
    },
    {
      when: 'another one comes later',
      syncs: [
        [0, reportedAt(0, { percent: 1 })],
        [15, reportedAt(15, { percent: 9 })],
      ],
      shown: { percent: 9, since: timeAt(0) },
    },
    {
      when: 'the percentage is the same',
      syncs: [
        [0, reportedAt(0, { step: 10, of: 1000 })],
        [60, reportedAt(60, { step: 19, of: 1000 })],
      ],
      shown: { percent: 1, step: 10, updated: timeAt(0) },
    },
    {
      when: 'there is no percentage, and the step is another one',
      syncs: [
        [0, reportedAt(0, { step: 10 })],
        [60, reportedAt(60, { step: 19 })],
      ],
      shown: { step: 19, summary: 'step 19' },
    },
    {
      when: 'a replica answers that has an older report',
      syncs: [
        [60, reportedAt(59, { percent: 9 })],
        [120, reportedAt(40, { percent: 1 })],
      ],
      shown: { percent: 9, updated: timeAt(60) },
    },
    {
      when: 'a replica answers that has none',
      syncs: [[60, reportedAt(59, { percent: 9 })], [120]],
      shown: { percent: 9, updated: timeAt(60) },
    },
    {
      when: 'steps decrease, because the program was restarted',
      syncs: [
        [0, reportedAt(0, { step: 900, of: 1000 })],
        [60, reportedAt(60, { step: 100, of: 1000 })],
      ],
      shown: { percent: 10, step: 100 },
    },
    {
      when: 'the clock was ahead, and was corrected',
      syncs: [
        [9000, reportedAt(9000, { percent: 1 })],
        [60, reportedAt(60, { percent: 2 })],
      ],
      shown: { percent: 2, reported: timeAt(60) },
    },
    {
      when: 'a metric is no number',
      syncs: [[0, reportedAt(0, { percent: 1, metrics: [['loss', Number.NaN]] })]],
      shown: { metrics: { loss: 'NaN' }, summary: '1% loss NaN' },
    },
  ])('when $when', ({ syncs, shown }) => {
    const found = shownAfter(syncs)
    if (shown) expect(found).toMatchObject(shown)
    else expect(found).toBeUndefined()
  })

  test('shows each whole percentage as it is', () => {
    const all = Array.from({ length: 101 }, (_, percent) => percent)
    const shown = (report: Partial<Report>) => shownAfter([[0, reportedAt(0, report)]])?.percent
    expect(all.map((percent) => shown({ percent }))).toEqual(all)
    expect(all.map((step) => shown({ step, of: 100 }))).toEqual(all)
    expect(all.map((step) => shown({ step: 7 * step, of: 700 }))).toEqual(all)
  })

  test('has no summary when the next stage has begun, until that one reports', () => {
    const seal: Working = { job: 'm-model-seal-1', stage: 'seal', isRunning: true }
    const last = reportedAt(0, { percent: 99 }, { secondsLeft: 3 })
    const found = shownAfter([
      [0, last],
      [60, undefined, seal],
    ])
    expect(found).toMatchObject({ job: 'm-model-run-1', percent: 99 })
    for (const field of ['summary', 'eta']) expect(found).not.toHaveProperty(field)
  })

  test('keeps the curve of the run while the result is sealed', () => {
    const seal: Working = { job: 'm-model-seal-1', stage: 'seal', isRunning: true }
    const loss = { percent: 99, metrics: [['loss', 0.5]] } as const
    const sealing = shownAfter([
      [0, reportedAt(0, loss)],
      [60, reportedAt(60, { percent: 1 }), seal],
    ])
    expect(sealing).toMatchObject({ stage: 'seal', percent: 1, curve: [{ metric: 'loss' }] })
  })
})

describe('once nothing is under way', () => {
  const before = shownAfter([[0, reportedAt(0, { percent: 90 }, { secondsLeft: 9 })]])

  test('the last report is shown, without a summary or a time that is left', () => {
    const last = progressAtEnd(before, from(reportedAt(4, { percent: 100 })), timeAt(5))
    expect(last).toMatchObject({ percent: 100, reported: timeAt(4), updated: timeAt(5) })
    expect(last).not.toHaveProperty('summary')
    expect(last).not.toHaveProperty('eta')
  })

  test.each([4, 60])('nor is it lost if other work begins first, at second %i', (second) => {
    const seal: Working = { job: 'm-model-seal-1', stage: 'seal', isRunning: true }
    const last = from(reportedAt(4, { percent: 100 }))
    const sealing = progressAfter(before, seal, last, timeAt(second))
    expect(sealing).toMatchObject({ job: run.job, percent: 100, reported: timeAt(4) })
    expect(sealing).not.toHaveProperty('summary')
  })

  test('nor if a replica that has an older report answers first', () => {
    const [older, newer] = [
      from(reportedAt(2, { percent: 95 })),
      from(reportedAt(4, { percent: 100 })),
    ]
    const first = progressAtEnd(before, older, timeAt(5))
    expect(first).toMatchObject({ percent: 95 })
    const both = progressAtEnd(first, newer, timeAt(6))
    expect(both).toMatchObject({ percent: 100, reported: timeAt(4) })
    expect(both).not.toHaveProperty('summary')
    expect(progressAtEnd(both, older, timeAt(7))).toEqual(both)
  })

  test('nothing changes any more', () => {
    const report = reportedAt(4, { percent: 100 })
    const last = progressAtEnd(before, from(report), timeAt(5))
    expect(progressAtEnd(last, from(report), timeAt(500))).toEqual(last)
    expect(progressAtEnd(last, undefined, timeAt(900))).toEqual(last)
  })
})

describe('a program that stops reporting', () => {
  const last = reportedAt(
    0,
    { percent: 9, metrics: [['loss', 1]] },
    { patience: 300, secondsLeft: 90 },
  )
  const silent = shownAfter([
    [0, last],
    [200, last],
    [301, last],
    [361, last],
  ])

  test('is named after ten times its usual gap and a minute, once', () => {
    expect(
      shownAfter([
        [0, last],
        [200, last],
        [301, last],
        [360, last],
      ]),
    ).not.toHaveProperty('silentSince')
    expect(silent).toMatchObject({ silentSince: timeAt(0), summary: '9% loss 1' })
    expect(silenceNote(silent)).toBe(`; no report of its progress since ${timeAt(0)}`)
    expect(progressAfter(silent, run, from(last), timeAt(900))).toEqual(silent)
  })

  test('is named, too, if its last reports were of the percentage that is shown', () => {
    const unchanged = { ...last, at: timeAt(100) }
    const found = shownAfter([
      [0, last],
      [110, unchanged],
      [401, unchanged],
      [462, unchanged],
    ])
    expect(found).toMatchObject({ silentSince: timeAt(100), reported: timeAt(100) })
  })

  test('is not named if another replica has a newer report, which was not worth a write', () => {
    const other = { ...last, at: timeAt(290) }
    const syncs: Parameters<typeof shownAfter>[0] = [
      [0, last],
      [295, other],
      [301, last],
      [316, other],
      [400, last],
      [500, last],
    ]
    expect(shownAfter(syncs.slice(0, 3))).not.toHaveProperty('silentSince')
    const found = shownAfter(syncs)
    expect(found).toMatchObject({ percent: 9, reported: timeAt(290), updated: timeAt(316) })
    expect(found).not.toHaveProperty('silentSince')
  })

  test('and reports again is not named any more, although nothing else has changed', () => {
    const again = progressAfter(silent, run, from(reportedAt(900, { percent: 9 })), timeAt(901))
    expect(again).not.toHaveProperty('silentSince')
    expect(silenceNote(again)).toBe('')
  })

  test('is named from its start if it was suspended, and without the time that was left', () => {
    const again = { ...run, since: timeAt(4000) }
    const syncs: Parameters<typeof shownAfter>[0] = [
      [0, last],
      [4060, last, again],
      [4301, last, again],
    ]
    expect(shownAfter(syncs.slice(0, 2))).toEqual(shownAfter(syncs.slice(0, 1)))
    const asked = shownAfter(syncs)
    expect(asked).toMatchObject({ summary: '9% loss 1', updated: timeAt(4301) })
    expect(asked).not.toHaveProperty('eta')
    expect(asked).not.toHaveProperty('silentSince')
    expect(shownAfter([...syncs, [4361, last, again]])).toMatchObject({ silentSince: timeAt(4000) })
  })

  test('is not named while its Pod does not run, or by a server that has an older report', () => {
    const waiting = { ...run, isRunning: false }
    expect(
      shownAfter([
        [0, last],
        [301, last, waiting],
        [400, last, waiting],
      ]),
    ).not.toHaveProperty('silentSince')
    const older = { ...last, at: timeAt(-60) }
    expect(
      shownAfter([
        [0, last],
        [301, older],
        [400, older],
      ]),
    ).not.toHaveProperty('silentSince')
  })
})

test('whatever two replicas hear and in which order they answer, the status does not flap', () => {
  const event = fc.record({
    seconds: fc.nat(40),
    replica: fc.nat(1),
    is: fc.constantFrom('report', 'sync', 'sync', 'restart'),
    step: fc.nat(100),
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80, size: 'max' }), (events) => {
      const heard: (Reported | undefined)[] = [undefined, undefined]
      const paces: (Pace | undefined)[] = [undefined, undefined]
      let [now, status, written] = [0, undefined as ProgressStatus | undefined, -15]
      for (const { seconds, replica, is, step } of events) {
        now += seconds
        if (is === 'restart') heard[replica] = paces[replica] = undefined
        if (is === 'report') {
          const report = { step, of: 100, metrics: [['loss', step]] } as const
          const pace = paceAfter(paces[replica], report, 1000 * now)
          const [left, long] = [secondsLeft(pace, report), patience(pace)]
          paces[replica] = pace
          heard[replica] = reportedAt(now, report, {
            ...(left !== undefined && { secondsLeft: left }),
            ...(long !== undefined && { patience: long }),
          })
        }
        if (is !== 'sync') continue
        const next = progressAfter(status, run, from(heard[replica]), timeAt(now))
        if (next === status) continue
        expect(now - written).toBeGreaterThanOrEqual(15)
        expect(Date.parse(next?.reported ?? '')).toBeGreaterThanOrEqual(
          Date.parse(status?.reported ?? timeAt(0)),
        )
        ;[status, written] = [next, now]
      }
      // Once nobody reports, each replica tells at most its news and its silence.
      let writes = 0
      for (let more = 1; more <= 100; more++) {
        const next = progressAfter(status, run, from(heard[more % 2]), timeAt(now + 1000 * more))
        if (next !== status) writes++
        status = next
      }
      expect(writes).toBeLessThanOrEqual(4)
    }),
    { numRuns: 500 },
  )
})

test('two replicas that each hear some reports tell of a silence only when there is one', () => {
  const reports = fc.record({
    gap: fc.integer({ min: 1, max: 20 }),
    replicas: fc.array(fc.nat(1), { minLength: 30, maxLength: 60, size: 'max' }),
  })
  fc.assert(
    fc.property(reports, ({ gap, replicas }) => {
      const heard: (Reported | undefined)[] = [undefined, undefined]
      const paces: (Pace | undefined)[] = [undefined, undefined]
      const report = { percent: 9, metrics: [] }
      const last = gap * (replicas.length - 1)
      let status: ProgressStatus | undefined
      let isWrong = false
      const sync = (second: number) => {
        status = progressAfter(status, run, from(heard[(second / 10) % 2]), timeAt(second))
      }
      for (let second = 0; second <= last; second++) {
        const replica = second % gap ? undefined : replicas[second / gap]
        if (replica !== undefined) {
          const pace = paceAfter(paces[replica], report, 1000 * second)
          const long = patience(pace)
          paces[replica] = pace
          heard[replica] = reportedAt(second, report, long === undefined ? {} : { patience: long })
        }
        if (second % 10 === 0) sync(second)
        isWrong ||= status?.silentSince !== undefined
      }
      expect(isWrong).toBe(false)
      // Only the replica that has the last report knows that none has come since.
      const { patience: long } = heard[replicas.at(-1) ?? 0] ?? {}
      const after = 20 * Math.ceil((last + (long ?? 60)) / 20)
      for (let more = 0; more <= 200; more += 10) sync(after + more)
      expect(status?.silentSince).toBe(long === undefined ? undefined : timeAt(last))
    }),
    { numRuns: 100 },
  )
})
