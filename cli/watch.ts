import { setTimeout as sleep } from 'node:timers/promises'
import { pathOf } from '../cluster/collections.ts'
import { type ClusterOptions, clusterOf } from '../cluster/kubeconfig.ts'
import { refusalOf } from '../cluster/refusal.ts'
import { type Watched, watchObjects } from '../cluster/watch.ts'
import type { Kind, Parent } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import { endWithReader } from '../terminal/output.ts'
import { screenOf } from '../terminal/screen.ts'
import { rowOf } from '../terminal/table.ts'
import { usageError } from '../terminal/usage.ts'
import { explaining } from './failures.ts'
import { kindOfWord } from './target.ts'

interface Options extends ClusterOptions {
  readonly allNamespaces?: boolean
}

/** Changes come in bursts: a table is drawn for all of them. */
const settleMilliseconds = 100

/** The time that is left changes by itself. */
const redrawMilliseconds = 1000

/** A table that follows the objects until Ctrl-C; without a terminal, a line for each change. */
export async function watchCommand(words: readonly string[], options: Options): Promise<number> {
  const chosen = kindsIn(words)
  if ('wrong' in chosen) return usageError(chosen.wrong)
  const { kubeConfig, namespace: home } = clusterOf(options)
  const namespace = options.allNamespaces ? undefined : home
  const { stdout } = process
  const show = screenOf(stdout)
  endWithReader()

  return explaining(namespace, async () => {
    let trouble: string | undefined
    let noted: string | undefined
    let isScheduled = false
    let fail = (_: unknown) => {}
    const failure = new Promise<never>((_, reject) => {
      fail = reject
    })
    const watched: Watched<Parent>[] = []
    const draw = () => {
      isScheduled = false
      if (!watched.every((one) => one.isSynced())) return
      const rows = watched
        .flatMap((one) => [...one.all()].sort(byName))
        .map((object) => rowOf(object, options.allNamespaces ? '' : home))
      const note = trouble ?? (rows.length ? undefined : 'no objects yet; Ctrl-C ends')
      // Only changes go to a pipe.
      if (!stdout.isTTY && note !== undefined && note !== noted) console.error(note)
      noted = note
      show(rows, note)
    }
    const schedule = () => {
      if (isScheduled) return
      isScheduled = true
      setTimeout(draw, settleMilliseconds)
    }
    for (const kind of chosen.kinds) {
      const one: Watched<Parent> = watchObjects<Item, Parent>({
        kubeConfig,
        path: pathOf(kind, namespace),
        keep: (object) => object,
        changed: () => {
          trouble = undefined
          schedule()
        },
        failed: (error, what) => {
          if (!one.isSynced()) return fail(error)
          // Somebody who may only list gets the changes with each list.
          if (what === 'watch') return
          trouble = `cannot read from the API server: ${refusalOf(error).message}; trying again`
          schedule()
        },
      })
      watched.push(one)
    }
    await Promise.race([failure, Promise.all(watched.map((one) => one.synced))])
    for (;;) {
      schedule()
      await sleep(redrawMilliseconds)
    }
  })
}

type Item = Parent & { readonly metadata: { readonly resourceVersion?: string } }

type Chosen = { readonly kinds: readonly Kind[] } | { readonly wrong: string }

function kindsIn(words: readonly string[]): Chosen {
  const named = words.flatMap((word) => word.split(',')).map(kindOfWord)
  const wrong = named.find((one) => 'wrong' in one)
  if (wrong && 'wrong' in wrong) return wrong
  const wanted = named.flatMap((one) => ('wrong' in one ? [] : [one]))
  return { kinds: wanted.length ? kinds.filter((kind) => wanted.includes(kind)) : kinds }
}

const byName = (a: Parent, b: Parent): number =>
  (a.metadata.namespace ?? '').localeCompare(b.metadata.namespace ?? '') ||
  a.metadata.name.localeCompare(b.metadata.name)
