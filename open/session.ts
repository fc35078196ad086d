import { setTimeout as sleep } from 'node:timers/promises'
import { isForbidden } from '../cluster/refusal.ts'
import { announcer } from './announcer.ts'
import type { Objects } from './clusterobjects.ts'
import { connectionOf, foreignPods } from './connection.ts'
import { titleOf, waitLine } from './lines.ts'
import type { LiveLine } from './liveline.ts'
import { type Next, next, type Opened } from './next.ts'
import { type Observed, observer } from './observed.ts'
import type { Edges, OpenOptions } from './open.ts'

/** How long to wait before retrying a failed connection. */
const pause = 1000

/** Why a session ends, and whether the API server has refused what it needs. */
interface End {
  readonly says: string
  readonly isRefusal: boolean
}

/** What follows a step: the next one, at once, after a change or after a pause, or the end. */
type Then = 'again' | 'changed' | 'retry' | { readonly ends: End }

/** A browser session: observes the object and takes one step after each change, as `next` decides. */
export async function sessionOf(
  options: OpenOptions,
  edges: Edges,
  objects: Objects,
  first: Opened,
  line: LiveLine,
  signal: AbortSignal,
) {
  const { target } = options
  const foreign = foreignPods(options, line)
  const announced = announcer(options, edges, line)
  const connection = await connectionOf(options, objects, line, () => observing.notify())
  // Connections over the same network may be dead without an error.
  const observing = observer(objects, first, connection.disconnect, signal)

  const wait = (why: string): Then => {
    line.show((...at) => waitLine(target, why, ...at))
    return 'changed'
  }

  async function patch({ says, resume, wake }: Extract<Next, { do: 'patch' }>): Promise<Then> {
    line.say(`${titleOf(target)} is ${says}`)
    observing.patched(
      await objects.patch({
        ...(resume && { suspend: false }),
        ...(wake && { opened: edges.now() }),
      }),
    )
    return 'again'
  }

  async function reach(
    { pod, note }: Extract<Next, { do: 'reach' }>,
    { object, pods = [] }: Observed,
  ): Promise<Then> {
    if (!object || connection.leadsTo(pod)) return 'changed'
    connection.leave(pods)
    const failure = await connection.connect(pod, object, async (destination, jupyter) => {
      if (signal.aborted) return
      await announced.announce({ pod: destination.pod, port: connection.port, jupyter, note })
    })
    if (failure === 'foreign') {
      foreign.ignore(pod)
      return 'again'
    }
    if (!failure) return 'changed'
    if (isForbidden(failure)) return { ends: { says: failure.message, isRefusal: true } }
    wait(`Pod "${pod.metadata.name}" cannot be reached: ${failure.message}`)
    return 'retry'
  }

  async function step(observed: Observed): Promise<Then> {
    const { object, pods, trouble } = observed
    if (trouble?.isFinal) return { ends: { says: trouble.message, isRefusal: true } }
    if (!pods) return trouble ? wait(trouble.message) : 'changed'
    const instance = connection.instance()
    const decision = next({
      object,
      pods: pods.filter((pod) => !foreign.has(pod)),
      wasOpen: announced.wasOpen(),
      ...(instance !== undefined && { connected: instance }),
    })
    switch (decision.do) {
      case 'end':
        return { ends: { says: decision.says, isRefusal: false } }
      case 'patch':
        return patch(decision)
      case 'wait':
        if (!trouble) connection.leave(pods)
        return wait(trouble?.message ?? decision.why)
      case 'reach':
        return trouble ? wait(trouble.message) : reach(decision, observed)
    }
  }

  /** Runs until the session must end, and returns why. It never resolves if the signal stops it. */
  async function run(): Promise<End> {
    observing.start()
    for (;;) {
      const change = observing.changed()
      if (signal.aborted) return new Promise(() => {})
      const then = await step(observing.now())
      if (typeof then === 'object') return then.ends
      if (then === 'retry') await Promise.race([change, sleep(pause)])
      if (then === 'changed') await change
    }
  }

  return {
    run,
    wasOpen: announced.wasOpen,
    close: () => {
      connection.close()
      announced.close()
    },
  }
}
