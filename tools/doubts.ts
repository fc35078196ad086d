import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * When the idle watch reports whether it can tell. Each report ends its container, so the Pod is not ready
 * for a moment: a server whose metrics come and go must not cause one after the other.
 */
export type Insight = 'can tell' | 'cannot tell'

/** After the first report, a change is reported only once it has lasted this long. */
const steadyMilliseconds = 600_000

/**
 * Whether to report the present state. The first doubt is reported at once. The last report is stored in a
 * file of the Pod, which survives a restart of this container. `undefined` is a server that does not answer.
 */
export function doubtsIn(folder: string): (insight: Insight | undefined, now: number) => boolean {
  const file = join(folder, 'doubted')
  let current: Insight | undefined
  let began = 0
  return (insight, now) => {
    if (insight !== current) began = now
    current = insight
    const reported = existsSync(file) ? readFileSync(file, 'utf8') : undefined
    if (insight === undefined || insight === (reported ?? 'can tell')) return false
    if (reported !== undefined && now - began < steadyMilliseconds) return false
    writeFileSync(file, insight)
    return true
  }
}
