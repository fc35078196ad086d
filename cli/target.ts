import type { Kind } from '../crds/kind.ts'
import { kindCalled, kinds } from '../crds/kinds.ts'

/** The object that a command is about. */
export interface Target {
  readonly kind: Kind
  readonly name: string
}

type Wrong = { readonly wrong: string }

const listed = kinds
  .map(({ singular, shortNames }) => [singular, ...shortNames].join(', '))
  .join('; ')

/** A kind by any of kubectl's names. */
export function kindOfWord(word: string): Kind | Wrong {
  return kindCalled(word) ?? { wrong: `no kind "${word}": there are ${listed}` }
}

/** `model NAME` or `model/NAME`; or what is wrong with these words, for `kubectl substratus COMMAND`. */
export function targetOf(words: readonly string[], command: string): Target | Wrong {
  const usage = `kubectl substratus ${command}`
  const [first = '', ...others] = words
  const [word = '', name = '', ...more] = [...first.split('/'), ...others]
  if (!word) return { wrong: `say which object: ${usage} KIND NAME` }
  const kind = kindOfWord(word)
  if ('wrong' in kind) return kind
  if (!name) return { wrong: `say which: ${usage} ${kind.singular} NAME` }
  if (more.length) return { wrong: `one at a time: ${usage} ${kind.singular} ${name}` }
  return { kind, name }
}
