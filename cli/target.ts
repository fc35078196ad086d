import { wrongSegment } from '../cluster/segments.ts'
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
  const parts = first.split('/')
  const [word = '', name = '', ...more] = [...parts, ...others]
  if (!word) return { wrong: `say which object: ${usage} KIND NAME` }
  const kind = kindOfWord(word)
  if ('wrong' in kind) return kind
  if (parts.length > 2)
    return { wrong: 'arguments in KIND/NAME form may not have more than one slash' }
  if (!name) return { wrong: `say which: ${usage} ${kind.singular} NAME` }
  if (more.length) return { wrong: `one at a time: ${usage} ${kind.singular} ${name}` }
  const wrong = wrongSegment('resource name', name)
  return wrong === undefined ? { kind, name } : { wrong }
}

/** `model NAME…`, or `model/NAME dataset/NAME…`, each object once; or what is wrong with these words. */
export function targetsOf(words: readonly string[], command: string): readonly Target[] | Wrong {
  const [first = '', ...others] = words
  const isWithKind = (word: string): boolean => word.includes('/')
  const kind = isWithKind(first) ? undefined : first
  const odd = others.find((word) => isWithKind(word) === (kind !== undefined))
  if (odd !== undefined) return { wrong: mixed(odd, command) }
  const each = others.length
    ? kind === undefined
      ? words.map((word) => [word])
      : others.map((name) => [kind, name])
    : [words]
  const targets = each.map((one) => targetOf(one, command))
  return targets.find((target) => 'wrong' in target) ?? distinct(targets as readonly Target[])
}

/** An object that is named twice is handled once: a second rerun would stop the first. */
const distinct = (targets: readonly Target[]): readonly Target[] =>
  targets.filter(
    ({ kind, name }, index) =>
      index === targets.findIndex((one) => one.kind === kind && one.name === name),
  )

const mixed = (word: string, command: string): string =>
  `"${word}" does not fit: kubectl substratus ${command} KIND NAME NAME, or KIND/NAME KIND/NAME`
