import { describe, expect, test } from 'vitest'
import { drainOf } from '../../../../hooks/pod/drain.ts'

const timeout = { timeoutFlag: '--shutdown-timeout' }
const cuts = { cutsStreams: true }

describe('a server ends within its grace period', () => {
  test.each([
    { who: 'only ends', grace: 60, drain: {}, sleep: 5, args: [] },
    { who: 'drains', grace: 60, drain: timeout, sleep: 5, args: ['--shutdown-timeout=50'] },
    { who: 'cuts', grace: 60, drain: cuts, sleep: 55, args: [] },
    { who: 'drains', grace: 600, drain: timeout, sleep: 5, args: ['--shutdown-timeout=590'] },
    { who: 'cuts', grace: 600, drain: cuts, sleep: 595, args: [] },
    { who: 'drains', grace: 11, drain: timeout, sleep: 5, args: ['--shutdown-timeout=1'] },
    { who: 'drains', grace: 10, drain: timeout, sleep: 5, args: [] },
    { who: 'cuts', grace: 10, drain: cuts, sleep: 5, args: [] },
    { who: 'cuts', grace: 3, drain: cuts, sleep: 3, args: [] },
    { who: 'drains', grace: 0, drain: timeout, sleep: undefined, args: [] },
  ])('of $grace s: one that $who streams', ({ grace, drain, sleep, args }) => {
    expect(drainOf({ drain }, grace)).toEqual({ sleep, args })
  })
})
