import type { KubeConfig } from '@kubernetes/client-node'
import { watchObjects } from '../../cluster/watch.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
}

export interface Seen {
  readonly metadata: { readonly namespace?: string; readonly name: string }
  readonly status?: { readonly phase?: string; readonly conditions?: readonly Condition[] }
}

export interface FirstSeen {
  /** By name, in milliseconds of `performance.now`. */
  readonly times: ReadonlyMap<string, number>
  readonly stop: () => void
}

/** When each object of a collection first passed a test. Resolves after the first list. */
export async function watchFirstSeen(
  kubeConfig: KubeConfig,
  path: string,
  passes: (object: Seen) => boolean,
): Promise<FirstSeen> {
  const abort = new AbortController()
  const times = new Map<string, number>()
  const { synced } = watchObjects<Seen, never>({
    kubeConfig,
    path,
    keep: (object) => {
      const { name } = object.metadata
      if (!times.has(name) && passes(object)) times.set(name, performance.now())
      return undefined
    },
    changed: () => {},
    failed: (error) => {
      if (!abort.signal.aborted) console.error(String(error))
    },
    signal: abort.signal,
  })
  await synced
  return { times, stop: () => abort.abort() }
}

export const hasCondition = ({ status }: Seen, wanted: string): boolean =>
  status?.conditions?.some(({ type, status }) => type === wanted && status === 'True') ?? false

export const isReady = (object: Seen): boolean => hasCondition(object, 'Ready')

export const readyOf = ({ status }: Seen): Condition | undefined =>
  status?.conditions?.find(({ type }) => type === 'Ready')
