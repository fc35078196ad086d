import type { Event } from '../hooks/children/manifesttypes.ts'

/** The Events that are kept in memory, by the object that they are about. */
export interface Notices {
  readonly put: (event: Event) => void
  readonly remove: (event: Event) => void
  /** Removes all about an object. */
  readonly settle: (namespace: string, uid: string) => void
  readonly about: (namespace: string, uid: string) => readonly Event[]
}

/**
 * Anyone who may create Events in a namespace decides how many there are, so each namespace has a limit,
 * and beyond the limit of all, the namespace with the most loses its oldest.
 */
const limits = { each: 500, all: 20_000 }

/** Keeps Events within limits; `dropped` is called with each Event that is removed because of them. */
export function notices(
  dropped: (event: Event) => void,
  { each, all }: typeof limits = limits,
): Notices {
  const byNamespace = new Map<string, Set<Event>>()
  const byObject = new Map<string, Map<string, Event>>()
  let count = 0

  const remove = (event: Event): void => {
    const own = byObject.get(objectOf(event))
    const found = own?.get(nameOf(event))
    if (!own || !found) return
    own.delete(nameOf(event))
    if (!own.size) byObject.delete(objectOf(event))
    const beside = byNamespace.get(namespaceOf(found))
    beside?.delete(found)
    if (!beside?.size) byNamespace.delete(namespaceOf(found))
    count--
  }
  const dropOldest = (events: Iterable<Event>): void => {
    const oldest = [...events].reduce((a, b) => (timeOf(b) < timeOf(a) ? b : a))
    remove(oldest)
    dropped(oldest)
  }
  const at = (namespace: string, uid: string) => [
    ...(byObject.get(`${namespace}/${uid}`)?.values() ?? []),
  ]
  return {
    put: (event) => {
      remove(event)
      const own = byObject.get(objectOf(event)) ?? new Map<string, Event>()
      byObject.set(objectOf(event), own.set(nameOf(event), event))
      const beside = byNamespace.get(namespaceOf(event)) ?? new Set()
      byNamespace.set(namespaceOf(event), beside.add(event))
      count++
      if (beside.size > each) dropOldest(beside)
      else if (count > all) dropOldest(largest([...byNamespace.values()]))
    },
    remove,
    settle: (namespace, uid) => at(namespace, uid).forEach(remove),
    about: at,
  }
}

const largest = (sets: readonly Set<Event>[]): Set<Event> =>
  sets.reduce((most, one) => (one.size > most.size ? one : most))

const namespaceOf = ({ metadata }: Event): string => metadata.namespace ?? ''
/** With the namespace, because anyone can write the uid of an object in another namespace. */
const objectOf = (event: Event): string => `${namespaceOf(event)}/${event.involvedObject?.uid}`
const nameOf = ({ metadata }: Event): string => metadata.name
const timeOf = ({ lastTimestamp }: Event): string => lastTimestamp ?? ''
