import { setTimeout as sleep } from 'node:timers/promises'
import { type KubeConfig, Watch } from '@kubernetes/client-node'
import { codeOf, read } from './exchange.ts'
import { refused } from './refusal.ts'

/**
 * A cache of objects of the API server, updated by a watch:
 *
 *     list ──▶ watch ──▶ watch from that version ──▶ …
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

interface Watching<T extends Item, Cached> {
  readonly kubeConfig: KubeConfig
  /** The path of the collection, such as `/api/v1/pods`. */
  readonly path: string
  /** Label and field selectors. */
  readonly query?: Readonly<Record<string, string>>
  /** How many objects a list reads at a time; if absent, all. */
  readonly pageSize?: number
  /** What to keep of an object in memory; undefined: nothing. */
  readonly keep: (object: T) => Cached | undefined
  /** Called after every page of a list, even if nothing has changed, and after every change. */
  readonly changed: (put: readonly Cached[], gone: readonly Cached[]) => void
  /** Called when a list or a watch fails; it is tried again. */
  readonly failed: (error: unknown, what: 'list' | 'watch') => void
  /** Stops the watch; without a signal, it runs as long as the process. */
  readonly signal?: AbortSignal
}

export interface Watched<Cached> {
  readonly get: (key: string) => Cached | undefined
  readonly all: () => readonly Cached[]
  /** Removes an object from memory until it changes. */
  readonly forget: (key: string) => void
  /** Resolves after the first list. */
  readonly synced: Promise<void>
  readonly isSynced: () => boolean
  /** False while neither a list nor a watch succeeds: objects that are missing here may exist. */
  readonly isCurrent: () => boolean
  readonly state: () => WatchState
}

export interface WatchState {
  /** Whether the caller lacks the permission to list, or the API does not exist. */
  readonly isRefused: boolean
  /**
   * The last sign that the cache is up to date: a list, a watch that was accepted, an event or a bookmark.
   * Undefined before the first list.
   */
  readonly heard?: { readonly secondsAgo: number; readonly time: Date }
}

/** The key of an object among those of its kind. */
export const keyOf = ({ metadata: { namespace, name } }: Item): string =>
  namespace ? `${namespace}/${name}` : name

/** Attempts begin at least this far apart. */
const pause = 1000
/**
 * A person grants a missing permission or installs a missing API, which takes longer than seconds. What was
 * allowed before is refused by an API server that has just started, too, so then the pauses begin short, and
 * double.
 */
const longestPause = 60_000

/**
 * Less than the half minute of silence after which the client considers a connection dead. The API
 * server sends a bookmark before it ends a watch, so even without changes the version stays recent. The
 * next watch is accepted at once, so while the connection works, something is heard this often.
 */
const timeoutSeconds = '25'

export function watchObjects<T extends Item, Cached>(
  watching: Watching<T, Cached>,
): Watched<Cached> {
  const { failed, signal } = watching
  const cache: Cache<Cached> = new Map()
  let current = false
  let hasSynced = false
  let isRefused = false
  let heard: { readonly at: number; readonly time: Date } | undefined
  const hear = () => {
    // The clock of the machine may be changed, so it does not measure the time since then.
    heard = { at: performance.now(), time: new Date() }
  }
  let resolveSynced = () => {}
  const synced = new Promise<void>((resolve) => {
    resolveSynced = resolve
  })

  const list = async (): Promise<string> => {
    const version = await listInto(cache, watching)
    hear()
    current = true
    hasSynced = true
    isRefused = false
    resolveSynced()
    return version
  }

  async function run(): Promise<void> {
    let version: string | undefined
    let refusals = 0
    while (!signal?.aborted) {
      const began = performance.now()
      let wait = pause
      const doing = version === undefined ? 'list' : 'watch'
      try {
        version =
          version === undefined ? await list() : await watchInto(cache, watching, version, hear)
        refusals = 0
        if (doing === 'list') continue
      } catch (error) {
        if (signal?.aborted) return
        current = false
        version = undefined
        isRefused = doing === 'list' && isAbsent(error)
        if (isRefused)
          wait = hasSynced ? Math.min(longestPause, pause * 2 ** refusals++) : longestPause
        // The whole API is gone, and with it what was read from it.
        if (doing === 'list' && codeOf(error) === 404)
          watching.changed([], taken(cache, [...cache.keys()]))
        failed(error, doing)
      }
      const left = wait - (performance.now() - began)
      if (left > 0) await sleep(left, undefined, signal && { signal }).catch(() => {})
    }
  }
  void run()

  return {
    get: (key) => cache.get(key)?.cached,
    all: () => [...cache.values()].map(({ cached }) => cached),
    forget: (key) => void cache.delete(key),
    synced,
    isSynced: () => hasSynced,
    isCurrent: () => current,
    state: () => ({
      isRefused,
      ...(heard && {
        heard: { secondsAgo: (performance.now() - heard.at) / 1000, time: heard.time },
      }),
    }),
  }
}

const isAbsent = (error: unknown): boolean => [403, 404].includes(codeOf(error) ?? 0)

type Cache<Cached> = Map<string, { readonly version: string | undefined; readonly cached: Cached }>

interface List<T> {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
  readonly items: readonly T[]
}

/** Returns the version to watch from. */
async function listInto<T extends Item, Cached>(
  cache: Cache<Cached>,
  watching: Watching<T, Cached>,
): Promise<string> {
  const { kubeConfig, path, query, pageSize, changed, signal } = watching
  const limit = pageSize && { limit: String(pageSize) }
  const missing = new Set(cache.keys())
  let next: string | undefined
  for (;;) {
    const search = { ...query, ...limit, ...(next && { continue: next }) }
    const list = await read<List<T>>(kubeConfig, path, search, { signal })
    const put = pageInto(cache, watching, list, missing)
    next = list.metadata?.continue
    if (!next) {
      changed(put, taken(cache, [...missing]))
      return list.metadata?.resourceVersion ?? ''
    }
    changed(put, [])
  }
}

/** Returns what is new or has changed; what is there is removed from `missing`. */
function pageInto<T extends Item, Cached>(
  cache: Cache<Cached>,
  { keep }: Watching<T, Cached>,
  { apiVersion, kind, items }: List<T>,
  missing: Set<string>,
): readonly Cached[] {
  // Items of a list carry no kind of their own.
  const type = kind && { apiVersion, kind: kind.replace(/List$/, '') }
  return items.flatMap((item) => {
    const [key, version] = [keyOf(item), item.metadata.resourceVersion]
    const before = cache.get(key)
    const isSame = version !== undefined && before?.version === version
    const cached = isSame ? before.cached : keep({ ...type, ...item })
    if (cached === undefined) return []
    missing.delete(key)
    if (isSame) return []
    cache.set(key, { version, cached })
    return [cached]
  })
}

/** Removes objects from the cache, and returns what was kept of them. */
function taken<Cached>(cache: Cache<Cached>, keys: readonly string[]): readonly Cached[] {
  return keys.flatMap((key) => {
    const before = cache.get(key)
    cache.delete(key)
    return before ? [before.cached] : []
  })
}

/** Returns the version to resume from when the watch ends, or undefined if it is too old. */
async function watchInto<T extends Item, Cached>(
  cache: Cache<Cached>,
  watching: Watching<T, Cached>,
  from: string,
  heard: () => void,
): Promise<string | undefined> {
  const { kubeConfig, path, query, signal } = watching
  const search = { ...query, resourceVersion: from, allowWatchBookmarks: 'true', timeoutSeconds }
  let version = from
  let abort = () => {}
  try {
    await new Promise<void>((resolve, reject) => {
      const seen = (type: string, object: T) => {
        if (signal?.aborted) return
        if (type === 'ERROR') return reject(refused(codeOf(object) ?? 500, JSON.stringify(object)))
        heard()
        version = object.metadata.resourceVersion ?? version
        if (type !== 'BOOKMARK') apply(cache, watching, type, object)
      }
      // After half a minute of silence the client itself ends the watch.
      let isOver = false
      const ended = (error: WatchError | null) => {
        isOver = true
        if (error && error.name !== 'TimeoutError') reject(error)
        else resolve()
      }
      new Watch(kubeConfig).watch(path, search, seen, ended).then((controller) => {
        // The API server has accepted the watch, unless the client has reported its end already.
        if (!isOver) heard()
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

function apply<T extends Item, Cached>(
  cache: Cache<Cached>,
  { keep, changed }: Watching<T, Cached>,
  type: string,
  object: T,
): void {
  const key = keyOf(object)
  const cached = type === 'DELETED' ? undefined : keep(object)
  if (cached === undefined) changed([], taken(cache, [key]))
  else {
    cache.set(key, { version: object.metadata.resourceVersion, cached })
    changed([cached], [])
  }
}

/** What the client reports when a watch ends. */
type WatchError = Error & { readonly statusCode?: number }
