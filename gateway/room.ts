import type { Refusal } from './core/refusals.ts'
import { Refused } from './refused.ts'

/** Bounds what all requests of a namespace take together. */
export interface Room {
  /** Throws the refusal if there is not so much room. */
  readonly take: (amount: number) => void
  readonly give: (amount: number) => void
}

/**
 * All namespaces share it, and none gets more than what is left for the others: one gets half at most, a
 * second one a quarter. Requests that are held may fill it for long, and must leave something for others.
 */
export function roomsOf(
  most: number,
  full: (namespace: string) => Refusal,
): (namespace: string) => Room {
  const taken = new Map<string, number>()
  let all = 0
  return (namespace) => ({
    take: (amount) => {
      const here = (taken.get(namespace) ?? 0) + amount
      if (here > most - all - amount) throw new Refused(full(namespace))
      taken.set(namespace, here)
      all += amount
    },
    give: (amount) => {
      const left = (taken.get(namespace) ?? 0) - amount
      if (left > 0) taken.set(namespace, left)
      else taken.delete(namespace)
      all -= amount
    },
  })
}
