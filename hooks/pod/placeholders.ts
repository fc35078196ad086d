import type { Resources } from '../../crds/common.ts'
import type { Config } from '../../crds/config.ts'
import type { Placeholders } from '../../crds/placeholders.ts'
import { gpuOf } from './gpu.ts'

interface Served {
  readonly model?: { readonly name: string }
  readonly resources?: Resources
}

/** `{gpus}` is 1 without a GPU, because one process then has the whole model. */
export const placeholdersOf = (
  { model, resources }: Served,
  port: number,
  config: Config,
): Placeholders => ({
  ...(model && { model: '/content/model', name: model.name }),
  gpus: String(Math.max(1, gpuOf(resources, config).count)),
  port: String(port),
})
