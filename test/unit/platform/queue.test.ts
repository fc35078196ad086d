import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { queueOf } from '../../../platform/runner/queue.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000)

/** A queue whose work lasts until the test ends it. */
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

describe('each key is processed one at a time', () => {
  test('a key that is added several times meanwhile runs once more', async () => {
    const { add, started, end } = slowly()
    for (let times = 0; times < 5; times++) add('a')
    expect(started).toEqual(['a'])
    await end('a')
    expect(started).toEqual(['a', 'a'])
    await end('a')
    expect(started).toEqual(['a', 'a'])
  })

  test('other keys do not wait', async () => {
    const { add, started, end } = slowly()
    add('a')
    add('b')
    expect(started).toEqual(['a', 'b'])
    add('b')
    await end('b')
    expect(started).toEqual(['a', 'b', 'b'])
  })

  test('never two at once, from timers and additions together', async () => {
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

describe('a key runs again', () => {
  test('after the seconds that the work returns', async () => {
    const { add, started, end } = slowly()
    add('a')
    await end('a', 5)
    await seconds(4.9)
    expect(started).toHaveLength(1)
    await seconds(0.2)
    expect(started).toHaveLength(2)
  })

  test.each([
    { when: 'the work returns nothing', again: undefined },
    { when: 'the work returns 0 seconds', again: 0 },
  ])('never, if $when', async ({ again }) => {
    const { add, started, end } = slowly()
    add('a')
    await end('a', again)
    await seconds(3600)
    expect(started).toHaveLength(1)
  })

  test('after the last requested delay: a key never has two timers', async () => {
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

describe('a failure is retried with backoff', () => {
  /** The seconds at which the work started, where the first `failures` runs fail. */
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

  test('after 1, 2, 4, 8, 16 and then every 30 seconds', async () => {
    const { begun } = await attempts(7)
    expect(begun).toEqual([0, 1, 3, 7, 15, 31, 61, 91])
  })

  test('after the delay that the error handler returns', async () => {
    const { begun } = await attempts(2, () => 20)
    expect(begun).toEqual([0, 20, 40])
  })

  test('and reported with the key, the error and the delay', async () => {
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

  test('but an event is processed at once', async () => {
    const { begun, add } = await attempts(0)
    add('a')
    expect(begun).toHaveLength(2)
  })

  test('a success resets the backoff', async () => {
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
