import {
  type Document,
  type DocumentOptions,
  isAlias,
  isMap,
  isSeq,
  type ParsedNode,
  type ParseOptions,
  parseAllDocuments,
  Scalar,
  type ScalarTag,
  type SchemaOptions,
  type Tags,
} from 'yaml'

/**
 * YAML as kubectl and Helm read it with the library sigs.k8s.io/yaml: merge keys (`<<`), and the
 * scalars of YAML 1.1, in which `yes`, `on` and `y` are booleans and 012 is ten. That library does
 * not support the timestamps and base-60 numbers of YAML 1.1. The tests compare this with kubectl.
 */
export const asKubectl: DocumentOptions & SchemaOptions & ParseOptions = {
  version: '1.1',
  customTags: (tags) => [
    ...tags.filter((tag) => !isReplaced(tag)),
    merge,
    integer,
    float,
    notFinite,
  ],
}

/** A scalar that looks like a timestamp stays a string. */
const isReplaced = (tag: Tags[number]): boolean =>
  typeof tag !== 'string' && /:(?:merge|int|float|timestamp)$/.test(tag.tag)

/** A number is printed as it was written. */
const stringify: ScalarTag['stringify'] = ({ source, value }) => source ?? String(value)

const digits = (text: string): string => text.replaceAll('_', '')

const integer: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  identify: (value) => Number.isInteger(value),
  test: /^[-+]?(?:0[xX]_*[0-9a-fA-F][0-9a-fA-F_]*|0[bB]_*[01][01_]*|0[oO]?[0-7_]*|[1-9][0-9_]*)$/,
  resolve: (text) => {
    const [, sign, number = ''] = /^([-+]?)(.*)$/.exec(digits(text)) ?? []
    // JavaScript writes an octal number as 0o12.
    const value = Number(number.replace(/^0[oO]?(?=[0-7])/, '0o'))
    return sign === '-' ? -value : value
  },
  stringify,
}

const float: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  identify: (value) => typeof value === 'number',
  test: /^[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9][0-9_]*)?$/,
  resolve: (text) => Number(digits(text)),
  stringify,
}

const notFinite: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
  resolve: (text, onError) => onError(`${text} is not a valid JSON number`),
}

/** A merge key overrides the keys before it, and the keys after it override it. */
const merge: ScalarTag = {
  tag: 'tag:yaml.org,2002:merge',
  default: 'key',
  identify: (value) => typeof value === 'symbol' && value.description === '<<',
  test: /^<<$/,
  resolve: () => Object.assign(new Scalar(Symbol('<<')), { addToJSMap: addMerged }),
  stringify: () => '<<',
}

/** In a list of maps, earlier ones override later ones. */
const addMerged: NonNullable<Scalar['addToJSMap']> = (ctx, map, value) => {
  const resolved = (node: unknown) => (ctx && isAlias(node) ? node.resolve(ctx.doc, ctx) : node)
  const source = resolved(value)
  for (const one of isSeq(source) ? source.items.toReversed() : [source]) {
    const merged = resolved(one)
    if (!isMap(merged)) throw new Error('a merge key "<<" needs a map, or a list of maps')
    const pairs: Map<unknown, unknown> = merged.toJSON(null, ctx, Map)
    // As the library does: a plain assignment to __proto__ would set no key.
    for (const [key, value] of pairs)
      Object.defineProperty(map, String(key), {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      })
  }
}

export const documentsIn = (text: string): readonly Document.Parsed<ParsedNode>[] => [
  ...parseAllDocuments(text, asKubectl),
]

/**
 * The value of a document, or one line that says why it has none. If a key occurs twice, the last
 * one counts, as for kubectl, and there is a warning.
 */
export function contentOf(
  document: Document,
): { readonly value: unknown; readonly warnings: readonly string[] } | { readonly error: string } {
  const error = document.errors.find(({ code }) => code !== duplicate)
  if (error) return { error: firstLine(error.message) }
  if (document.directives?.yaml.explicit)
    return { error: 'kubectl does not support directives: remove %YAML' }
  try {
    const warnings = document.errors.map(({ message }) => firstLine(message))
    return { value: document.toJS(), warnings }
  } catch (thrown) {
    // Merge keys and aliases are resolved only now.
    return { error: (thrown as Error).message }
  }
}

const duplicate = 'DUPLICATE_KEY'

/** Without the excerpt of the source that follows. */
const firstLine = (text: string): string => (text.split('\n')[0] ?? '').replace(/:$/, '')
