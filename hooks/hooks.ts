import { dataset } from './dataset.ts'
import type { Hook } from './engine/hook.ts'
import { model } from './model.ts'
import { modelserver } from './modelserver.ts'
import { notebook } from './notebook.ts'

/** The hooks of all kinds, in the order of crds/kinds.ts. */
export const hooks: readonly Hook[] = [dataset, model, modelserver, notebook]
