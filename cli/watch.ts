import { follow } from '../cluster/follow.ts'
import { type ClusterOptions, clusterOf } from '../cluster/kubeconfig.ts'
import type { Kind } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import { endWithReader } from '../terminal/output.ts'
import { canRedraw, screenOf } from '../terminal/screen.ts'
import { rowOf } from '../terminal/table.ts'
import { usageError } from '../terminal/usage.ts'
import { explaining } from './failures.ts'
import { kindOfWord } from './target.ts'

interface Options extends ClusterOptions {
  readonly allNamespaces?: boolean
}

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
    let noted: string | undefined
    for await (const { objects, trouble } of follow({
      kubeConfig,
      kinds: chosen.kinds,
      namespace,
    })) {
      const rows = objects.map((object) => rowOf(object, options.allNamespaces ? '' : home))
      const note = trouble ?? (rows.length ? undefined : 'no objects yet; Ctrl-C ends')
      // Only changes go to a pipe.
      if (!canRedraw(stdout) && note !== undefined && note !== noted) console.error(note)
      noted = note
      show(rows, note)
    }
    return 0
  })
}

type Chosen = { readonly kinds: readonly Kind[] } | { readonly wrong: string }

function kindsIn(words: readonly string[]): Chosen {
  const named = words.flatMap((word) => word.split(',')).map(kindOfWord)
  const wrong = named.find((one) => 'wrong' in one)
  if (wrong && 'wrong' in wrong) return wrong
  const wanted = named.flatMap((one) => ('wrong' in one ? [] : [one]))
  return { kinds: wanted.length ? kinds.filter((kind) => wanted.includes(kind)) : kinds }
}
