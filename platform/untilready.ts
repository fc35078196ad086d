import type { Followed } from '../cluster/follow.ts'
import { allReady, isStuck, type Row, rowOf } from '../terminal/table.ts'
import { isAlive } from './identity.ts'
import { recordsOf, withLog } from './processes.ts'

interface Watching {
  readonly dir: string
  /** The objects, after each change and once a second. */
  readonly followed: AsyncIterable<Followed>
  readonly show: (rows: readonly Row[], note?: string) => void
  readonly seconds: number
  /** How long nothing must change before objects that are stuck are given up. */
  readonly patienceMs?: number
}

/** Shows the objects until all are Ready, are stuck, or the time is up, and returns the last rows. */
export async function watchUntilReady(watching: Watching): Promise<readonly Row[]> {
  const { dir, followed, show, seconds, patienceMs = 10_000 } = watching
  const until = Date.now() + seconds * 1000
  let rows: readonly Row[] = []
  let last = ''
  let changedAt = 0
  for await (const { objects, trouble } of followed) {
    rows = objects.map((object) => rowOf(object))
    show(rows, trouble)
    const seen = JSON.stringify(rows)
    if (seen !== last) changedAt = Date.now()
    last = seen
    // An object that waited for another one may take a moment to see that it is Ready.
    const isEnd = isStuck(rows) && Date.now() - changedAt >= patienceMs
    if (!trouble && (allReady(rows) || isEnd)) break
    const ended = recordsOf(dir).find((record) => !isAlive(record))
    if (ended) throw withLog(dir, ended.name, `${ended.name} has ended`)
    if (Date.now() > until) break
  }
  return rows
}
