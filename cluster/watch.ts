import { setTimeout as sleep } from 'node:timers/promises'
import { type KubeConfig, Watch } from '@kubernetes/client-node'
import { codeOf, read } from './exchange.ts'
import { refused } from './refusal.ts'

/**
 * A copy of objects of the API server, kept up to date:
 *
 *     list ──▶ watch ──▶ watch from there on ──▶ …
 *      ▲         │ failed, or the version is too old
 *      └─────────┘
 */

interface Item {
  readonly metadata: {
    readonly namespace?: string
    readonly name: string
    readonly resourceVersion?: string
  }
}

interface Watching<T extends Item, Kept> {
  readonly kubeConfig: KubeConfig
  /** Of the collection, such as `/api/v1/pods`. */
  readonly path: string
  /** Selectors. */
  readonly query?: Readonly<Record<string, string>>
  /** What to keep of an object in memory. */
  readonly keep: (object: T) => Kept
  /** Called after every list, even if nothing has changed, and after every change. */
  readonly changed: (put: readonly Kept[], gone: readonly Kept[]) => void
  /** Called when a list or a watch fails; it is tried again. */
  readonly failed: (error: unknown, what: 'list' | 'watch') => void
  /** Ends it; without one, it goes on as long as the process. */
  readonly signal?: AbortSignal
}

export interface Watched<Kept> {
  readonly get: (key: string) => Kept | undefined
  readonly all: () => readonly Kept[]
  /** Resolves after the first list. */
  readonly synced: Promise<void>
  readonly isSynced: () => boolean
  /** False while neither a list nor a watch succeeds: objects that are missing here may exist. */
  readonly isCurrent: () => boolean
}

/** The key of an object among those of its kind. */
export const keyOf = ({ metadata: { namespace, name } }: Item): string =>
  namespace ? `${namespace}/${name}` : name

/** Attempts begin at least this far apart. */
const pause = 1000
/** A right that is missing is given by a person, and not within seconds. */
const forbiddenPause = 60_000

/**
 * Less than the half minute of silence after which the client takes a connection for dead. The API
 * server sends a bookmark before it ends a watch, so even without changes the version stays recent.
 */
const timeoutSeconds = '25'

export function watchObjects<T extends Item, Kept>(watching: Watching<T, Kept>): Watched<Kept> {
  const { failed, signal } = watching
  const known: Known<Kept> = new Map()
  let current = false
  let hasSynced = false
  let resolveSynced = () => {}
  const synced = new Promise<void>((resolve) => {
    resolveSynced = resolve
  })

  const list = async (): Promise<string> => {
    const version = await listInto(known, watching)
    current = true
    hasSynced = true
    resolveSynced()
    return version
  }

  async function run(): Promise<void> {
    let version: string | undefined
    while (!signal?.aborted) {
      const began = Date.now()
      let wait = pause
      const doing = version === undefined ? 'list' : 'watch'
      try {
        version = version === undefined ? await list() : await watchInto(known, watching, version)
        if (doing === 'list') continue
      } catch (error) {
        if (signal?.aborted) return
        current = false
        version = undefined
        if (doing === 'list' && codeOf(error) === 403) wait = forbiddenPause
        failed(error, doing)
      }
      const left = wait - (Date.now() - began)
      if (left > 0) await sleep(left, undefined, signal && { signal }).catch(() => {})
    }
  }
  void run()

  return {
    get: (key) => known.get(key)?.kept,
    all: () => [...known.values()].map(({ kept }) => kept),
    synced,
    isSynced: () => hasSynced,
    isCurrent: () => current,
  }
}

type Known<Kept> = Map<string, { readonly version: string | undefined; readonly kept: Kept }>

interface List<T> {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: { readonly resourceVersion?: string }
  readonly items: readonly T[]
}

/** Returns the version to watch from. */
async function listInto<T extends Item, Kept>(
  known: Known<Kept>,
  { kubeConfig, path, query = {}, keep, changed, signal }: Watching<T, Kept>,
): Promise<string> {
  const list = await read<List<T>>(kubeConfig, path, query, signal)
  const { apiVersion, kind } = list
  // Items of a list carry no kind of their own.
  const type = kind && { apiVersion, kind: kind.replace(/List$/, '') }
  const there = new Map(list.items.map((item) => [keyOf(item), { ...type, ...item }]))
  const gone = [...known].filter(([key]) => !there.has(key))
  for (const [key] of gone) known.delete(key)
  const put: Kept[] = []
  for (const [key, object] of there) {
    const version = object.metadata.resourceVersion
    if (version !== undefined && known.get(key)?.version === version) continue
    const kept = keep(object)
    known.set(key, { version, kept })
    put.push(kept)
  }
  changed(
    put,
    gone.map(([, { kept }]) => kept),
  )
  return list.metadata?.resourceVersion ?? ''
}

/** Returns the version to go on from when the watch ends, or undefined when it is too old. */
async function watchInto<T extends Item, Kept>(
  known: Known<Kept>,
  watching: Watching<T, Kept>,
  from: string,
): Promise<string | undefined> {
  const { kubeConfig, path, query, signal } = watching
  const asked = { ...query, resourceVersion: from, allowWatchBookmarks: 'true', timeoutSeconds }
  let version = from
  let abort = () => {}
  try {
    await new Promise<void>((resolve, reject) => {
      const seen = (type: string, object: T) => {
        if (signal?.aborted) return
        if (type === 'ERROR') return reject(refused(codeOf(object) ?? 500, JSON.stringify(object)))
        version = object.metadata.resourceVersion ?? version
        if (type !== 'BOOKMARK') apply(known, watching, type, object)
      }
      // After half a minute of silence the client itself ends the watch.
      const ended = (error: WatchError | null) =>
        error && error.name !== 'TimeoutError' ? reject(error) : resolve()
      new Watch(kubeConfig).watch(path, asked, seen, ended).then((controller) => {
        abort = () => controller.abort()
        if (signal?.aborted) abort()
        signal?.addEventListener('abort', abort, { once: true })
      }, reject)
    })
    return version
  } catch (error) {
    if (codeOf(error) === 410 || (error as WatchError).statusCode === 410) return undefined
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
    abort()
  }
}

function apply<T extends Item, Kept>(
  known: Known<Kept>,
  { keep, changed }: Watching<T, Kept>,
  type: string,
  object: T,
): void {
  const key = keyOf(object)
  if (type === 'DELETED') {
    const before = known.get(key)
    known.delete(key)
    changed([], before ? [before.kept] : [])
  } else {
    const kept = keep(object)
    known.set(key, { version: object.metadata.resourceVersion, kept })
    changed([kept], [])
  }
}

/** What the client reports when a watch ends. */
type WatchError = Error & { readonly statusCode?: number }
