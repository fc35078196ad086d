/** An object as lines of YAML, each with the field that it begins, so that a description can stand above. */

export interface YamlLine {
  readonly indent: number
  readonly text: string
  /** `['spec', 'params', 'epochs']`; items of lists have no name. */
  readonly path: readonly string[]
}

/** Characters that no scalar of YAML begins with, words that are no strings, and what looks like a number. */
const isPlain = (text: string): boolean =>
  /^[A-Za-z/][-\w./ ]*$/.test(text) && !/ $|^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)

const scalar = (value: unknown): string =>
  typeof value === 'string' && isPlain(value) ? value : (JSON.stringify(value) ?? 'null')

const isEmpty = (value: object): boolean => Object.keys(value).length === 0

const emptyOf = (value: object): string => (Array.isArray(value) ? '[]' : '{}')

export function yamlLines(
  value: unknown,
  indent = 0,
  path: readonly string[] = [],
): readonly YamlLine[] {
  if (typeof value !== 'object' || value === null) return [{ indent, text: scalar(value), path }]
  if (isEmpty(value)) return [{ indent, text: emptyOf(value), path }]
  if (Array.isArray(value))
    return value.flatMap((item) => {
      const [first, ...rest] = yamlLines(item, indent + 1, path)
      return first ? [{ ...first, indent, text: `- ${first.text}` }, ...rest] : []
    })
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .flatMap(([key, inner]) => {
      const at = [...path, key]
      const head = { indent, path: at }
      if (typeof inner !== 'object' || inner === null)
        return [{ ...head, text: `${scalar(key)}: ${scalar(inner)}` }]
      if (isEmpty(inner)) return [{ ...head, text: `${scalar(key)}: ${emptyOf(inner)}` }]
      return [{ ...head, text: `${scalar(key)}:` }, ...yamlLines(inner, indent + 1, at)]
    })
}

interface Schema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
}

/** What the schema says about a field; undefined if it says nothing. */
export function describedAt(
  schemas: Readonly<Record<string, Schema | undefined>>,
  [first = '', ...path]: readonly string[],
): string | undefined {
  let schema = Object.hasOwn(schemas, first) ? schemas[first] : undefined
  for (const name of path) {
    while (schema?.items) schema = schema.items
    const { properties = {}, additionalProperties } = schema ?? {}
    schema = Object.hasOwn(properties, name)
      ? properties[name]
      : typeof additionalProperties === 'object'
        ? additionalProperties
        : undefined
  }
  return schema?.description
}
