import { Dataset } from './dataset.ts'
import type { Kind, KindName } from './kind.ts'
import { Model } from './model.ts'
import { ModelServer } from './modelserver.ts'
import { Notebook } from './notebook.ts'

/** The kinds, in the order of the data's way; every loop over kinds starts here. */
export const kinds: readonly Kind[] = [Dataset, Model, ModelServer, Notebook]

/** Names a kind of ours, or is undefined. */
export const kindOf = (name: string): Kind | undefined => kinds.find(({ kind }) => kind === name)

/** The same for names that the type already proves. */
export const kindNamed = (name: KindName): Kind => kinds.find(({ kind }) => kind === name) as Kind
