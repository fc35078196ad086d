import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reportIn } from '../../../../hooks/progress/report.ts'

describe('a report says', () => {
  test.each([
    {
      what: 'the step, of how many, metrics and a message',
      body: '{"step": 450, "of": 1000, "metrics": {"loss": 0.51}, "message": "epoch 2"}',
      report: { step: 450, of: 1000, metrics: [['loss', 0.51]], message: 'epoch 2' },
    },
    {
      what: 'a percentage',
      body: '{"percent": 45.5}',
      report: { percent: 45.5, metrics: [] },
    },
    {
      what: 'what Python writes for a loss that has diverged',
      body: '{"step": 3, "metrics": {"loss": NaN, "norm": Infinity, "low": -Infinity}}',
      report: {
        step: 3,
        metrics: [
          ['loss', Number.NaN],
          ['norm', Number.POSITIVE_INFINITY],
          ['low', Number.NEGATIVE_INFINITY],
        ],
      },
    },
    {
      what: 'a message about NaN as it is',
      body: '{"message": "NaN in \\"loss\\"", "step": NaN}',
      report: { message: 'NaN in "loss"', metrics: [] },
    },
    {
      what: 'nothing by fields that are null',
      body: '{"step": 7, "of": null, "percent": null, "message": null, "metrics": null}',
      report: { step: 7, metrics: [] },
    },
    {
      what: 'nothing by a step, a total or a percentage that cannot be',
      body: '{"step": -1, "of": 0, "percent": 101, "message": "still here"}',
      report: { message: 'still here', metrics: [] },
    },
    {
      what: 'nothing by numbers that no counter reaches',
      body: '{"step": 1e400, "of": 1e300, "percent": -0.5, "metrics": {"loss": 1}}',
      report: { metrics: [['loss', 1]] },
    },
    {
      what: 'a message on one line, without what a terminal would interpret',
      body: JSON.stringify({ message: 'epoch\u001b[31m 2\nof 3\u202e' }),
      report: { message: 'epoch 2 of 3', metrics: [] },
    },
    {
      what: 'the same in the protocol of Kubeflow Trainer',
      body: JSON.stringify({
        trainerStatus: {
          lastUpdatedTime: '2026-01-01T00:00:00+00:00',
          progressPercentage: 45,
          estimatedRemainingSeconds: 7200,
          metrics: [
            { name: 'loss', value: '0.51' },
            { name: 'grad_norm', value: 'nan' },
            { name: 'current_step', value: '450' },
            { name: 'total_steps', value: '1000' },
            { name: 'current_epoch', value: '1.35' },
          ],
        },
      }),
      report: {
        percent: 45,
        step: 450,
        of: 1000,
        message: 'epoch 1.35',
        metrics: [
          ['loss', 0.51],
          ['grad_norm', Number.NaN],
        ],
        secondsLeft: 7200,
      },
    },
  ])('$what', ({ body, report }) => {
    expect(reportIn(body)).toEqual(report)
  })

  test('at most 16 metrics, and none with a name that no column has room for', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`m${at}`, at]))
    const report = reportIn(
      JSON.stringify({ metrics: { ['x'.repeat(65)]: 1, '\u0007': 2, ...many } }),
    )
    expect(report).toMatchObject({ metrics: [['m0', 0], ...Array(15).fill(expect.anything())] })
  })
})

describe('a body is no report', () => {
  test.each([
    { when: 'it is empty', body: '', why: 'the body is not JSON' },
    { when: 'it is cut off', body: '{"step": 1', why: 'the body is not JSON' },
    { when: 'it is a list', body: '[1]', why: 'must be a JSON object' },
    { when: 'it is null', body: 'null', why: 'must be a JSON object' },
    { when: 'nothing in it is known', body: '{"steps": 1}', why: 'contains none of step, of' },
    { when: 'nothing in it can be shown', body: '{"step": -1}', why: 'contains none of step, of' },
    { when: 'the step is a word', body: '{"step": "many"}', why: 'step: Invalid value' },
    { when: 'the message is none', body: '{"message": 1}', why: 'message: Invalid value' },
    { when: 'metrics are a list', body: '{"metrics": [1]}', why: 'metrics: Invalid value' },
    {
      when: 'a metric is an object',
      body: '{"metrics": {"loss": {}}}',
      why: 'metrics.loss: Invalid value: must be a number',
    },
    { when: 'Trainer’s status is empty', body: '{"trainerStatus": {}}', why: 'contains none of' },
  ])('when $when', ({ body, why }) => {
    expect(reportIn(body)).toContain(why)
  })
})

describe('100 bodies are read within a second', () => {
  const most = 4096
  test.each([
    { of: 'a string that does not end', body: `"${'\\"'.repeat(most / 2)}` },
    {
      of: 'a string that does not end, behind others',
      body: `{"a": "b", "${'\\"'.repeat(2000)}\\`,
    },
    {
      of: 'a number that ends in a letter',
      body: JSON.stringify({ percent: `${'1'.repeat(most)}x` }),
    },
    { of: 'words that JSON lacks', body: '{"metrics": {"a": NaN}, '.repeat(most / 24) },
  ])('of $of', ({ body }) => {
    const began = performance.now()
    for (let at = 0; at < 100; at++) expect(typeof reportIn(body)).toBe('string')
    expect(performance.now() - began).toBeLessThan(1000)
  })
})

test('any body becomes a report or a sentence, and any report has sound numbers', () => {
  const anything = fc.oneof(fc.string({ maxLength: 300 }), fc.json(), jsonLike())
  fc.assert(
    fc.property(anything, (body) => {
      const report = reportIn(body)
      if (typeof report === 'string') {
        expect(report).toMatch(/\w+ \w+/)
        return
      }
      const { percent = 0, step = 0, of = 1, message = 'x', metrics } = report
      expect(percent).toBeGreaterThanOrEqual(0)
      expect(percent).toBeLessThanOrEqual(100)
      for (const count of [step, of]) expect(Number.isSafeInteger(count)).toBe(true)
      expect(message).toMatch(/^[^\n]{1,256}$/)
      expect(metrics.length).toBeLessThanOrEqual(16)
    }),
    { numRuns: 2000 },
  )
})

const jsonLike = () => {
  const value = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.constantFrom(null, 'nan', '-inf', '12', 'x', '', true, {}),
  )
  return fc
    .record({
      step: value,
      of: value,
      percent: value,
      message: fc.oneof(value, fc.string()),
      metrics: fc.oneof(value, fc.dictionary(fc.string(), value)),
    })
    .map((report) => JSON.stringify(report))
}
