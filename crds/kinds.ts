import { Dataset } from './dataset.ts'
import type { Kind } from './kind.ts'
import { Model } from './model.ts'
import { ModelServer } from './modelserver.ts'
import { Notebook } from './notebook.ts'

const all = [Dataset, Model, ModelServer, Notebook] as const

export type KindName = (typeof all)[number]['kind']

/** The kinds, in the order in which data passes through them; every loop over kinds starts here. */
export const kinds: readonly Kind[] = all

/** Names a kind of ours, or is undefined. */
export const kindOf = (name: string): Kind | undefined => kinds.find(({ kind }) => kind === name)

/** The same for names that the type already proves. */
export const kindNamed = (name: KindName): Kind => kinds.find(({ kind }) => kind === name) as Kind
