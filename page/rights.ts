import { useEffect, useState } from 'preact/hooks'
import { allowedOf } from './api.ts'
import type { Right } from './core/actions.ts'

const pauseMilliseconds = 2000

/** What this person may do to an object; undefined until that is known. */
export function useRights(
  namespace: string,
  name: string,
  rights: readonly Right[],
): ReadonlySet<string> | undefined {
  const [allowed, setAllowed] = useState<ReadonlySet<string>>()
  useEffect(() => {
    let isOver = false
    let waiting: ReturnType<typeof setTimeout> | undefined
    const ask = (): void =>
      void allowedOf(namespace, name, rights).then(
        (found) => isOver || setAllowed(found),
        // While the API server cannot be reached, the rights are unknown: ask again.
        () => {
          if (!isOver) waiting = setTimeout(ask, pauseMilliseconds)
        },
      )
    ask()
    return () => {
      isOver = true
      clearTimeout(waiting)
    }
  }, [namespace, name])
  return allowed
}
