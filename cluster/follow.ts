import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeConfig } from '@kubernetes/client-node'
import type { Kind, Parent } from '../crds/kind.ts'
import { pathOf } from './collections.ts'
import { codeOf } from './exchange.ts'
import { refusalOf } from './refusal.ts'
import { type Watched, watchObjects } from './watch.ts'

interface Following {
  readonly kubeConfig: KubeConfig
  readonly kinds: readonly Kind[]
  /** All of them, if undefined. */
  readonly namespace?: string | undefined
  /** After so long a silence of the API server, the objects may be old; a working watch is heard from more often. */
  readonly patienceSeconds?: number
  /** If it aborts, following ends with an error. */
  readonly signal?: AbortSignal
}

export interface Followed {
  /** By kind, namespace and name. */
  readonly objects: readonly Parent[]
  /** Why the objects may be old. */
  readonly trouble: string | undefined
}

type Item = Parent & { readonly metadata: { readonly resourceVersion?: string } }

/** Changes come in bursts: they are shown together. */
const settleMilliseconds = 100
/** The time that some work has left changes by itself. */
const tickMilliseconds = 1000

/** What the objects are, after each burst of changes and once a second. Throws if the first list fails. */
export async function* follow(following: Following): AsyncGenerator<Followed, never, void> {
  const { kubeConfig, kinds, namespace, patienceSeconds = 40, signal } = following
  const ended = new AbortController()
  const until = AbortSignal.any([ended.signal, ...(signal ? [signal] : [])])
  const failure = Promise.withResolvers<never>()
  const troubles = new Map<Kind, string>()
  const began = performance.now()
  let change = Promise.withResolvers<void>()
  const watched = kinds.map((kind) => {
    const one: Watched<Parent> = watchObjects<Item, Parent>({
      kubeConfig,
      path: pathOf(kind, namespace),
      keep: (object) => object,
      changed: () => {
        troubles.delete(kind)
        change.resolve()
      },
      failed: (error, what) => {
        if (!one.isSynced()) {
          // It says so for a second about a kind that was defined just now.
          const isPassing = codeOf(error) === 429 && secondsSince(began) < patienceSeconds
          if (!isPassing) failure.reject(error)
          return
        }
        // Somebody who may only list gets the changes with each list.
        if (what === 'watch') return
        const why = refusalOf(error).message
        troubles.set(kind, `cannot read from the API server: ${why}; trying again`)
        change.resolve()
      },
      signal: until,
    })
    return { kind, ...one }
  })
  try {
    await Promise.race([
      failure.promise,
      Promise.all(watched.map((one) => one.synced)),
      aborted(until),
    ])
    for (;;) {
      change = Promise.withResolvers()
      // The API server does answer about a kind that it refuses.
      const isSilent = watched.some(
        ({ kind, state }) =>
          !troubles.has(kind) && (state().heard?.secondsAgo ?? 0) > patienceSeconds,
      )
      const [trouble] = troubles.values()
      yield {
        objects: watched.flatMap((one) => [...one.all()].sort(byName)),
        trouble: trouble ?? (isSilent ? silence : undefined),
      }
      await Promise.race([change.promise, sleep(tickMilliseconds, undefined, { signal: until })])
      await sleep(settleMilliseconds, undefined, { signal: until })
    }
  } finally {
    ended.abort()
  }
}

const secondsSince = (time: number): number => (performance.now() - time) / 1000

const silence = 'the API server does not answer; trying again'

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

const byName = (a: Parent, b: Parent): number =>
  (a.metadata.namespace ?? '').localeCompare(b.metadata.namespace ?? '') ||
  a.metadata.name.localeCompare(b.metadata.name)
