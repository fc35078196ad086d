import { setTimeout as sleep } from 'node:timers/promises'
import { type KubeConfig, Watch } from '@kubernetes/client-node'

interface Item {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string }
}

interface Following<T extends Item> {
  readonly kubeConfig: KubeConfig
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly list: () => Promise<{ readonly items: readonly T[]; readonly resourceVersion?: string }>
  /** What there is, at first and after every change. */
  readonly seen: (items: readonly T[]) => void
  /** The API server does not answer, or does not allow it. */
  readonly troubled: (error: unknown) => void
  readonly signal: AbortSignal
}

const pause = 1000

/**
 * Lists and watches until the signal. When a watch ends, as it does by itself after half a minute
 * without news, it lists anew: so a change is seen then even by somebody who may not watch.
 */
export async function follow<T extends Item>(following: Following<T>): Promise<void> {
  const { list, seen, troubled, signal } = following
  while (!signal.aborted) {
    const began = Date.now()
    try {
      const { items, resourceVersion } = await list()
      if (signal.aborted) return
      seen(items)
      await watchFrom(following, items, resourceVersion)
    } catch (error) {
      if (!signal.aborted) troubled(error)
    }
    const left = pause - (Date.now() - began)
    if (left > 0) await sleep(left, undefined, { signal }).catch(() => {})
  }
}

/** Ends, without an error, when the watch does. */
async function watchFrom<T extends Item>(
  { kubeConfig, path, query, seen, signal }: Following<T>,
  items: readonly T[],
  resourceVersion: string | undefined,
): Promise<void> {
  const known = new Map(items.map((item) => [item.metadata.name, item]))
  await new Promise<void>((resolve) => {
    const took = (type: string, item: T) => {
      if (type === 'ERROR') return resolve()
      if (type === 'BOOKMARK') return
      if (type === 'DELETED') known.delete(item.metadata.name)
      else known.set(item.metadata.name, item)
      seen([...known.values()])
    }
    const asked = { ...query, ...(resourceVersion && { resourceVersion }) }
    const watching = new Watch(kubeConfig).watch(path, asked, took, () => resolve())
    watching.then(
      (abort) => {
        if (signal.aborted) abort.abort()
        else signal.addEventListener('abort', () => abort.abort(), { once: true })
      },
      () => resolve(),
    )
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
