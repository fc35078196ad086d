import { type Document, type ToStringOptions, visit } from 'yaml'
import { escaped } from '../crds/text.ts'

/**
 * A document as YAML without invisible characters. The library escapes only C0, so other characters
 * that a terminal interprets or a reader cannot see would be written unescaped.
 */
export function visibleYaml(document: Document, options?: ToStringOptions): string {
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && escaped(node.value) !== node.value)
        node.type = 'QUOTE_DOUBLE'
    },
  })
  return escaped(document.toString(options))
}
