import { paced } from './paced.ts'
import type { Line, Resource, Sent } from './wire.ts'

/**
 * Sends objects to pages, as lines of JSON. A page that reads slowly gets the newest state of each object
 * and not every one, so that what waits for it never exceeds the objects that there are.
 */

/** Where lines are written: an HTTP response. */
interface Reader {
  readonly write: (text: string) => boolean
  readonly once: (event: 'drain', listener: () => void) => unknown
}

export interface Feed {
  /** A list is known, or objects have changed. */
  readonly push: (resource: Resource, put: readonly Sent[], gone: readonly Sent[]) => void
  /** A resource cannot be read; undefined: it can again. */
  readonly trouble: (resource: Resource, message: string | undefined) => void
  /** Sends everything, and what changes from now on; returns how to stop. */
  readonly read: (reader: Reader) => () => void
}

interface Known {
  readonly objects: Map<string, Sent>
  isListed: boolean
  trouble?: string | undefined
}

/** What has changed since a reader was last written to: a name leads to nothing once it is gone. */
interface Waiting {
  readonly objects: Map<Resource, Map<string, Sent | undefined>>
  readonly troubles: Set<Resource>
}

/** Several changes at once are one line; one after a pause is sent at once. */
const settleMilliseconds = 20
/** A line that the page can read without a pause. */
const mostInLine = 200

export function feedOf(resources: readonly Resource[]): Feed {
  const known = new Map(
    resources.map((resource): [Resource, Known] => [
      resource,
      { objects: new Map(), isListed: false },
    ]),
  )
  const readers = new Set<{ readonly waiting: Waiting; readonly wake: () => void }>()

  const tell = (note: (waiting: Waiting) => void): void => {
    for (const { waiting, wake } of readers) {
      note(waiting)
      wake()
    }
  }

  const namesIn = (waiting: Waiting, resource: Resource) => {
    const names = waiting.objects.get(resource) ?? new Map<string, Sent | undefined>()
    waiting.objects.set(resource, names)
    return names
  }

  function read(reader: Reader): () => void {
    const waiting: Waiting = { objects: new Map(), troubles: new Set() }
    let isFull = false
    const flush = (): void => {
      if (isFull) return
      const lines = [...linesOf(waiting, known)].map((line) => `${JSON.stringify(line)}\n`)
      waiting.objects.clear()
      waiting.troubles.clear()
      if (!lines.length || reader.write(lines.join(''))) return
      isFull = true
      reader.once('drain', () => {
        isFull = false
        flush()
      })
    }
    const { wake, stop } = paced(flush, settleMilliseconds)
    for (const [resource, { objects, isListed, trouble }] of known) {
      if (isListed) waiting.objects.set(resource, new Map(objects))
      if (trouble !== undefined) waiting.troubles.add(resource)
    }
    reader.write(`${JSON.stringify({ is: 'start', resources } satisfies Line)}\n`)
    flush()
    const entry = { waiting, wake }
    readers.add(entry)
    return () => {
      readers.delete(entry)
      stop()
    }
  }

  return {
    read,
    push: (resource, put, gone) => {
      const one = known.get(resource)
      // The watch reports every list, and most change nothing.
      if (!one || (one.isListed && !put.length && !gone.length)) return
      one.isListed = true
      for (const object of put) one.objects.set(object.metadata.name, object)
      for (const { metadata } of gone) one.objects.delete(metadata.name)
      tell((waiting) => {
        const names = namesIn(waiting, resource)
        for (const object of put) names.set(object.metadata.name, object)
        for (const { metadata } of gone) names.set(metadata.name, undefined)
      })
    },
    trouble: (resource, message) => {
      const one = known.get(resource)
      if (!one || one.trouble === message) return
      one.trouble = message
      tell(({ troubles }) => troubles.add(resource))
    },
  }
}

function* linesOf(
  { objects, troubles }: Waiting,
  known: ReadonlyMap<Resource, Known>,
): Generator<Line> {
  for (const [resource, names] of objects) {
    const put = [...names.values()].filter((object) => object !== undefined)
    const gone = [...names].flatMap(([name, object]) => (object ? [] : [name]))
    for (let at = 0; at < put.length || at === 0; at += mostInLine)
      yield {
        is: 'objects',
        resource,
        put: put.slice(at, at + mostInLine),
        gone: at === 0 ? gone : [],
      }
  }
  for (const resource of troubles) {
    const message = known.get(resource)?.trouble
    yield { is: 'trouble', resource, ...(message !== undefined && { message }) }
  }
}
