/** The values of `{model}`, `{name}`, `{gpus}` and `{port}` in a command and its arguments. */
export type Placeholders = Readonly<Partial<Record<'model' | 'name' | 'gpus' | 'port', string>>>

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
