import { setTimeout as sleep } from 'node:timers/promises'
import type { Parent } from '../crds/kind.ts'
import { group } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import { allReady, isStuck, type Row, rowOf } from '../terminal/table.ts'
import type { Kubectl } from './controlplane/kubectl.ts'
import { isAlive } from './identity.ts'
import { recordsOf, withLog } from './processes.ts'

interface Watching {
  readonly dir: string
  readonly kubectl: Kubectl
  readonly show: (rows: readonly Row[]) => void
  readonly seconds: number
  readonly signal: AbortSignal
  /** How long nothing must change before objects that are stuck are given up. */
  readonly patienceMs?: number
}

/** Shows the objects until all are Ready, are stuck, or the time is up, and returns the last rows. */
export async function watchUntilReady(watching: Watching): Promise<readonly Row[]> {
  const { dir, kubectl, show, seconds, signal, patienceMs = 10_000 } = watching
  const until = Date.now() + seconds * 1000
  let last = ''
  let changedAt = 0
  for (;;) {
    const rows = await rowsOf(kubectl)
    show(rows)
    const seen = JSON.stringify(rows)
    if (seen !== last) changedAt = Date.now()
    last = seen
    // An object that waited for another one may take a moment to see that it is Ready.
    const isEnd = isStuck(rows) && Date.now() - changedAt >= patienceMs
    if (allReady(rows) || isEnd || Date.now() > until) return rows
    const ended = recordsOf(dir).find((record) => !isAlive(record))
    if (ended) throw withLog(dir, ended.name, `${ended.name} has ended`)
    await sleep(500, undefined, { signal })
  }
}

async function rowsOf(kubectl: Kubectl): Promise<readonly Row[]> {
  const resources = kinds.map(({ plural }) => `${plural}.${group}`).join(',')
  const text = await kubectl.run(['get', resources, '--all-namespaces', '-o', 'json'])
  const { items } = JSON.parse(text) as { readonly items: readonly Parent[] }
  return items.map((object) => rowOf(object))
}
