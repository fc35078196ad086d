import { describe, expect, test } from 'vitest'
import { isRunningIn, keyToShow, logTroubleOf } from '../../../page/core/logs.ts'

const pod = { metadata: { name: 'm-run-1' }, spec: { nodeName: 'gpu-7' } }

describe('a log that cannot be read says why, and is read again if that may pass', () => {
  test.each([
    {
      when: 'the kubelet does not answer',
      failure: { code: 500, message: 'Get "https://10.0.0.1:10250/x": dial tcp: refused' },
      says: /^The log cannot be read: node "gpu-7" of Pod "m-run-1" does not answer the API server.*; trying again$/,
    },
    {
      when: 'the API server is away',
      failure: { code: 502, message: 'the API server cannot be reached: it does not answer' },
      says: /^The log cannot be read: the API server cannot be reached: .*; trying again$/,
    },
    {
      when: 'the API server has too many requests',
      failure: { code: 429, message: 'too many requests, please try again later' },
      says: /: too many requests, please try again later; trying again$/,
    },
    {
      when: 'the container has not started',
      failure: { code: 400, message: 'container "run" is waiting to start: PodInitializing' },
      says: /: container "run" is waiting to start: PodInitializing; trying again$/,
    },
    {
      when: 'the command has ended',
      failure: { message: 'kubectl substratus ui has ended: start it again' },
      says: /: kubectl substratus ui has ended: start it again; trying again$/,
    },
  ])('when $when', ({ failure, says }) => {
    const trouble = logTroubleOf(failure, pod, false)
    expect(trouble.says).toMatch(says)
    expect(trouble.isPassing).toBe(true)
  })

  test.each([
    { when: 'it may not be read', failure: { code: 403, message: 'forbidden' }, isPrevious: false },
    { when: 'the Pod is gone', failure: { code: 404, message: 'not found' }, isPrevious: false },
    {
      when: 'there was no restart',
      failure: { code: 400, message: 'previous terminated container "run" not found' },
      isPrevious: true,
    },
  ])('and not if $when', ({ failure, isPrevious }) => {
    expect(logTroubleOf(failure, pod, isPrevious)).toEqual({
      says: `The log cannot be read: ${failure.message}`,
      isPassing: false,
    })
  })
})

test.each([
  { what: 'a container', list: 'containerStatuses' },
  { what: 'a sidecar', list: 'initContainerStatuses' },
])('$what runs if its Pod says so', ({ list }) => {
  const states = [
    { name: 'run', state: { running: {} } },
    { name: 'clone', state: { terminated: {} } },
  ]
  const seen = { ...pod, status: { [list]: states } }
  expect(isRunningIn(seen, 'run')).toBe(true)
  expect(isRunningIn(seen, 'clone')).toBe(false)
  expect(isRunningIn(seen, 'idle')).toBe(false)
  expect(isRunningIn(pod, 'run')).toBe(false)
})

describe('the log that is shown', () => {
  test.each([
    { when: 'it is opened', keys: ['new', 'old'], seen: [], is: 'new' },
    { when: 'one is chosen', keys: ['new', 'old'], seen: ['old'], chosen: 'old', is: 'old' },
    {
      when: 'its Pod is gone and others are there',
      keys: ['new'],
      seen: ['new', 'old'],
      former: 'old',
      is: 'old',
    },
    {
      when: 'the chosen one is gone',
      keys: ['new'],
      seen: ['new', 'old'],
      former: 'old',
      chosen: 'old',
      is: 'old',
    },
    {
      when: 'a new Pod appears',
      keys: ['newest', 'new'],
      seen: ['new', 'old'],
      former: 'old',
      chosen: 'old',
      is: 'newest',
    },
    { when: 'all are gone', keys: [], seen: ['old'], former: 'old', is: 'old' },
    { when: 'there is none', keys: [], seen: [], is: undefined },
  ])('when $when', ({ keys, seen, former, chosen = '', is }) => {
    expect(keyToShow(keys, { chosen, former, seen: new Set(seen) })).toBe(is)
  })
})
