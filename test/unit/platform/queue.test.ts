import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { queueOf } from '../../../platform/runner/queue.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000)

/** A queue whose work lasts until it is told to end. */
function slowly() {
  const started: string[] = []
  const ends = new Map<string, (again?: number) => void>()
  const { add } = queueOf(
    (key) => {
      started.push(key)
      return new Promise((resolve) => ends.set(key, resolve))
    },
    (_key, _error, wait) => wait,
  )
  const end = async (key: string, again?: number) => {
    ends.get(key)?.(again)
    await seconds(0)
  }
  return { add, started, end }
}

describe('one at a time for each key', () => {
  test('a key that comes again while it is worked on waits, once for all of its coming', async () => {
    const { add, started, end } = slowly()
    for (let times = 0; times < 5; times++) add('a')
    expect(started).toEqual(['a'])
    await end('a')
    expect(started).toEqual(['a', 'a'])
    await end('a')
    expect(started).toEqual(['a', 'a'])
  })

  test('other keys do not wait for it', async () => {
    const { add, started, end } = slowly()
    add('a')
    add('b')
    expect(started).toEqual(['a', 'b'])
    add('b')
    await end('b')
    expect(started).toEqual(['a', 'b', 'b'])
  })

  test('never two at once, whatever comes from where', async () => {
    let now = 0
    let most = 0
    const { add } = queueOf(
      async () => {
        most = Math.max(most, ++now)
        await new Promise((resolve) => setTimeout(resolve, 700))
        now--
        if (most % 2) throw new Error('again')
        return 1
      },
      () => 1,
    )
    for (let times = 0; times < 50; times++) {
      add('a')
      await seconds(0.3)
    }
    await seconds(10)
    expect(most).toBe(1)
  })
})

describe('again later', () => {
  test('after as many seconds as the work asks for', async () => {
    const { add, started, end } = slowly()
    add('a')
    await end('a', 5)
    await seconds(4.9)
    expect(started).toHaveLength(1)
    await seconds(0.2)
    expect(started).toHaveLength(2)
  })

  test.each([
    { when: 'it does not ask', again: undefined },
    { when: 'it asks for 0 seconds', again: 0 },
  ])('not at all when $when', async ({ again }) => {
    const { add, started, end } = slowly()
    add('a')
    await end('a', again)
    await seconds(3600)
    expect(started).toHaveLength(1)
  })

  test('the last wish counts: two timers never run for one key', async () => {
    const { add, started, end } = slowly()
    add('a')
    await end('a', 5)
    add('a')
    await end('a', 60)
    await seconds(59)
    expect(started).toHaveLength(2)
    await seconds(2)
    expect(started).toHaveLength(3)
  })
})

describe('a failure is tried again, later and later', () => {
  /** The seconds at which the work was begun, with the first `failures` of them failing. */
  async function attempts(failures: number, failed = (wait: number) => wait) {
    const begun: number[] = []
    const start = Date.now()
    const { add } = queueOf(
      async () => {
        begun.push((Date.now() - start) / 1000)
        if (begun.length <= failures) throw new Error('no')
        return undefined
      },
      (_key, _error, wait) => failed(wait),
    )
    add('a')
    await seconds(300)
    return { begun, add }
  }

  test('after 1, 2, 4, 8, 16 and then each 30 seconds', async () => {
    const { begun } = await attempts(7)
    expect(begun).toEqual([0, 1, 3, 7, 15, 31, 61, 91])
  })

  test('as late as its answer says, where one says so', async () => {
    const { begun } = await attempts(2, () => 20)
    expect(begun).toEqual([0, 20, 40])
  })

  test('it is told of: the key, the error and the wait', async () => {
    const failed = vi.fn((_key: string, _error: unknown, wait: number) => wait)
    const error = new Error('no')
    const { add } = queueOf(async () => {
      throw error
    }, failed)
    add('a')
    await seconds(1.5)
    expect(failed.mock.calls).toEqual([
      ['a', error, 1],
      ['a', error, 2],
    ])
  })

  test('an event is worked on at once, though a failure waits', async () => {
    const { begun, add } = await attempts(0)
    add('a')
    expect(begun).toHaveLength(2)
  })

  test('a success forgets the failures before', async () => {
    const waits: number[] = []
    let count = 0
    const { add } = queueOf(
      async () => {
        if (++count !== 3) throw new Error('no')
        return 1
      },
      (_key, _error, wait) => {
        waits.push(wait)
        return wait
      },
    )
    add('a')
    await seconds(4.5)
    expect(waits).toEqual([1, 2, 1])
  })
})
