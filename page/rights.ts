import { useEffect, useState } from 'preact/hooks'
import { allowedOf } from './api.ts'
import type { Right } from './core/actions.ts'

/** What this person may do to an object; undefined until that is known. */
export function useRights(
  namespace: string,
  name: string,
  rights: readonly Right[],
): ReadonlySet<string> | undefined {
  const [allowed, setAllowed] = useState<ReadonlySet<string>>()
  useEffect(() => {
    let isOver = false
    void allowedOf(namespace, name, rights).then((found) => isOver || setAllowed(found))
    return () => {
      isOver = true
    }
  }, [namespace, name])
  return allowed
}
