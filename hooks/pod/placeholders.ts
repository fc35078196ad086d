import type { Resources } from '../../crds/common.ts'
import type { Config } from '../../crds/config.ts'
import { gpuOf } from './gpu.ts'

/** The values of `{model}`, `{name}`, `{gpus}` and `{port}` in a command and its arguments. */
export type Placeholders = Readonly<Partial<Record<'model' | 'name' | 'gpus' | 'port', string>>>

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

/**
 * A word with its placeholders filled in. `{{model}}` is the literal `{model}`; all other braces
 * stay: chat templates and JSON are full of them.
 */
export const filledIn = (word: string, values: Placeholders): string =>
  word.includes('{')
    ? word.replaceAll(
        /\{\{(?:model|name|gpus|port)\}\}|\{(model|name|gpus|port)\}/g,
        (match, key?: keyof Placeholders) => (key ? (values[key] ?? match) : match.slice(1, -1)),
      )
    : word
