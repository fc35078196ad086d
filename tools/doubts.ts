import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * When the idle watch reports whether it can tell. Each report ends its container, so the Pod is not ready
 * for a moment, and the watch begins anew: a server whose metrics come and go must not cause one report
 * after the other, or it would never be idle for long enough.
 */
export type Insight = 'can tell' | 'cannot tell'

/** How long a change must last before the second report; for each further one, twice as long as for the last. */
const steadyMilliseconds = 600_000

/**
 * Whether to report the present state. The first doubt is reported at once. The reports are lines in a file of
 * the Pod, which survives a restart of this container. `undefined` is a server that does not answer, or fails
 * in a way that may pass.
 */
export function doubtsIn(folder: string): (insight: Insight | undefined, now: number) => boolean {
  const file = join(folder, 'doubted')
  let current: Insight | undefined
  let began = 0
  return (insight, now) => {
    if (insight !== current) began = now
    current = insight
    const reports = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
    if (insight === undefined || insight === (reports.at(-1) ?? 'can tell')) return false
    if (reports.length && now - began < steadyMilliseconds * 2 ** (reports.length - 1)) return false
    appendFileSync(file, `${insight}\n`)
    return true
  }
}
