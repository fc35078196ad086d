import { useEffect, useState } from 'preact/hooks'
import { paced } from '../ui/paced.ts'
import type { Session } from '../ui/wire.ts'
import { endedMessage, followObjects, Refused, readSession } from './api.ts'
import { placeOf } from './core/place.ts'
import { after, type Known, nothingKnown } from './core/things.ts'
import { shown, whileShown } from './visible.ts'

/** What changes while the page is open, for components. */

export interface World {
  readonly session?: Session
  readonly known: Known
  /** Why nothing new arrives; undefined while all is well. */
  readonly trouble?: string
  /** Nothing will change that: the token is wrong. */
  readonly isOver?: boolean
}

/** Several lines are drawn at once; the first after a pause is not delayed. */
const drawMilliseconds = 50
const pause = 1000

/** Reads the world for as long as the page is open; the local part may end and start again. */
export function useWorld(): World {
  const [world, setWorld] = useState<World>({ known: nothingKnown })
  useEffect(() => {
    const ending = new AbortController()
    let now: World = world
    const drawing = paced(() => setWorld(now), drawMilliseconds)
    const set = (next: World): void => {
      now = next
      drawing.wake()
    }
    const run = async (): Promise<void> => {
      while (!ending.signal.aborted) {
        await shown(document)
        let trouble = endedMessage
        try {
          const session = await readSession()
          set({ session, known: now.known })
          const wasHidden = await whileShown(document, ending.signal, (signal) =>
            followObjects((line) => set({ session, known: after(now.known, line) }), signal),
          )
          if (wasHidden) continue
        } catch (error) {
          if (error instanceof Refused) {
            trouble = error.message
            if (error.code === 401) return set({ ...now, trouble, isOver: true })
          }
        }
        // Nobody sees it, and nothing is wrong.
        if (document.hidden) continue
        set({ ...now, trouble })
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
    void run()
    return () => {
      ending.abort()
      drawing.stop()
    }
  }, [])
  return world
}

/** The time, now and every `seconds`. */
export function useNow(seconds: number): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const ticking = setInterval(() => setNow(Date.now()), seconds * 1000)
    return () => clearInterval(ticking)
  }, [seconds])
  return now
}

/** What the address says to show. */
export function usePlace() {
  const [place, setPlace] = useState(() => placeOf(location.hash))
  useEffect(() => {
    const changed = () => setPlace(placeOf(location.hash))
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return place
}
