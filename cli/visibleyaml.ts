import { type Document, type ToStringOptions, visit } from 'yaml'
import { escaped } from '../crds/text.ts'

/**
 * A document whose every character can be seen. The library escapes C0 alone: what else a terminal
 * obeys, or no reader sees, would be written as it is.
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
