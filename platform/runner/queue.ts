/**
 * A work queue: each key is processed by one worker at a time, and failures are retried with a backoff
 * of up to 30 s. `work` returns the seconds until the next run; `failed` may change the backoff.
 */
export function queueOf(
  work: (key: string) => Promise<number | undefined>,
  failed: (key: string, error: unknown, seconds: number) => number,
) {
  const running = new Map<string, Promise<void>>()
  const dirty = new Set<string>()
  const failures = new Map<string, number>()
  const timers = new Map<string, NodeJS.Timeout>()

  const add = (key: string): void => {
    if (running.has(key)) dirty.add(key)
    else running.set(key, one(key))
  }
  const addAfter = (key: string, seconds: number): void => {
    clearTimeout(timers.get(key))
    timers.set(key, setTimeout(add, seconds * 1000, key))
  }
  const one = async (key: string): Promise<void> => {
    try {
      const again = await work(key)
      failures.delete(key)
      if (again) addAfter(key, again)
    } catch (error) {
      const count = failures.get(key) ?? 0
      failures.set(key, count + 1)
      addAfter(key, failed(key, error, Math.min(30, 2 ** count)))
    }
    running.delete(key)
    if (dirty.delete(key)) add(key)
  }
  return { add }
}
