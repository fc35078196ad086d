import { wrongSegment } from '../cluster/segments.ts'
import type { Kind } from '../crds/kind.ts'
import { kindCalled } from '../crds/kinds.ts'

/** The kind and name of the object to open. */
export interface Target {
  readonly kind: Kind
  readonly name: string
}

const canBeOpened = ['Notebook', 'ModelServer']

/** Parses `notebook NAME` or `notebook/NAME`; returns an error message if they are wrong. */
export function targetOf(words: readonly string[]): Target | { readonly wrong: string } {
  const [first = '', ...others] = words
  if (!first) return { wrong: 'say what to open: kubectl open notebook NAME' }
  const parts = [...first.split('/'), ...others]
  const [word = '', name = '', ...more] = parts
  const kind = kindCalled(word)
  if (!kind)
    return {
      wrong:
        parts.length === 1
          ? `say what "${word}" is: kubectl open notebook ${word}, or kubectl open modelserver ${word}`
          : `"${word}" cannot be opened: a notebook (nb) or a modelserver (mserver) can`,
    }
  if (kind.kind === 'Model')
    return {
      wrong:
        'a Model cannot be opened: its modelserver can, and kubectl open models opens all at one address',
    }
  if (!canBeOpened.includes(kind.kind))
    return { wrong: `a ${kind.kind} cannot be opened: a notebook or a modelserver can` }
  if (!name) return { wrong: `say which: kubectl open ${kind.singular} NAME` }
  if (more.length) return { wrong: `one at a time: kubectl open ${kind.singular} ${name}` }
  const wrong = wrongSegment('resource name', name)
  return wrong === undefined ? { kind, name } : { wrong }
}

/** Whether all models are to be opened, at one address. */
export const areModels = ([first = '', ...others]: readonly string[]): boolean =>
  first.toLowerCase() === 'models' && !others.length
