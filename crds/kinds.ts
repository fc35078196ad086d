import { Dataset } from './dataset.ts'
import { group, type Kind, version } from './kind.ts'
import { Model } from './model.ts'
import { ModelServer } from './modelserver.ts'
import { Notebook } from './notebook.ts'

const all = [Dataset, Model, ModelServer, Notebook] as const

export type KindName = (typeof all)[number]['kind']

/** The kinds, in the order in which data passes through them; every loop over kinds starts here. */
export const kinds: readonly Kind[] = all

/** The kind of this name; undefined if it is not one of ours. */
export const kindOf = (name: string): Kind | undefined => kinds.find(({ kind }) => kind === name)

/** The same for names that are known to be ours by their type. */
export const kindNamed = (name: KindName): Kind => kinds.find(({ kind }) => kind === name) as Kind

/** The kind of any name that kubectl accepts, in any case: `models`, `model`, `mserver`, `models.substratus.ai`. */
export const kindCalled = (word: string): Kind | undefined =>
  kinds.find(({ plural, singular, shortNames }) =>
    [plural, singular, ...shortNames]
      .flatMap((name) => [name, `${name}.${group}`, `${name}.${version}.${group}`])
      .includes(word.toLowerCase()),
  )
