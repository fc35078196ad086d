import type { Config } from './config.ts'
import type { Parent } from './kind.ts'

/**
 * Whether an object has a claim of its own. A Notebook has one for its home, a Dataset or a Model has one
 * for its artifacts if the storage driver is pvc. A source that is already in a claim needs none, nor
 * does a Model with nothing to run, which is just its image.
 */
export function wantsClaim({ kind, spec }: Pick<Parent, 'kind' | 'spec'>, config: Config): boolean {
  if (kind === 'Notebook') return true
  if (kind === 'ModelServer' || config.storage.driver !== 'pvc') return false
  const wanted = (spec ?? {}) as Wanted
  if (isInClaim(wanted.source)) return false
  return kind === 'Dataset' || hasWork(wanted)
}

/** The class and access modes of an object's claim: homes and artifacts may each have their own. */
export function claimSettings({ kind }: Pick<Parent, 'kind'>, { storage: { pvc } }: Config) {
  const own = kind === 'Notebook' ? pvc.homes : pvc.artifacts
  return {
    className: own?.className ?? pvc.className,
    accessModes: own?.accessModes ?? pvc.accessModes,
  }
}

/** Whether Pods on several nodes can mount the claim that is created for a Dataset or a Model. */
export const isShared = (config: Config): boolean =>
  claimSettings({ kind: 'Model' }, config).accessModes.includes('ReadWriteMany')

interface Wanted {
  readonly source?: unknown
  readonly model?: unknown
  readonly dataset?: unknown
  readonly command?: unknown
  readonly args?: unknown
  readonly params?: unknown
  readonly env?: unknown
}

/** A source that is in a claim already. */
export const isInClaim = (source: unknown): source is string =>
  typeof source === 'string' && source.startsWith('pvc://')

/** The fields that tell whether a Model has something to run. */
export const workFields: readonly string[] = [
  'spec.source',
  'spec.model',
  'spec.dataset',
  'spec.command',
  'spec.args',
  'spec.params',
  'spec.env',
]

/** Whether a Model has something to run. With none of these fields, it is just its image. */
export const hasWork = ({ source, model, dataset, command, args, params, env }: Wanted): boolean =>
  Boolean(source ?? model ?? dataset) || [command, args, params, env].some(isFilled)

/** Empty is absent. */
const isFilled = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0
