import type { Config } from './config.ts'
import type { Parent } from './kind.ts'

/**
 * Whether an object has a claim of its own: a Notebook its home, a Dataset and a Model their
 * artifacts, where claims are what keeps them. A source that is in a claim already is used where it
 * is, and a Model with nothing to run is its image.
 */
export function wantsClaim({ kind, spec }: Pick<Parent, 'kind' | 'spec'>, config: Config): boolean {
  if (kind === 'Notebook') return true
  if (kind === 'ModelServer' || config.storage.driver !== 'pvc') return false
  const wanted = (spec ?? {}) as Wanted
  if (isInClaim(wanted.source)) return false
  return kind === 'Dataset' || hasWork(wanted)
}

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

/** With none of these, the image is all the user wanted of a Model. */
export const hasWork = ({ source, model, dataset, command, args, params, env }: Wanted): boolean =>
  Boolean(source ?? model ?? dataset) || [command, args, params, env].some(isFilled)

/** Empty is absent. */
const isFilled = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0
