import { Dataset } from './dataset.ts'
import type { Kind } from './kind.ts'
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
