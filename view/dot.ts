import { onOneLine } from '../crds/text.ts'
import type { Graph, Node } from './graph.ts'

/** The graph in Graphviz' language: `… -o dot | dot -Tsvg`. */
export function dotOf({ nodes, edges }: Graph): string {
  const isOfOne = new Set(nodes.map(({ namespace }) => namespace)).size <= 1
  return [
    'digraph substratus {',
    '  rankdir = LR',
    '  node [shape = box, style = "rounded,filled", fontname = "Helvetica"]',
    ...nodes.map((node) => `  ${quoted(node.id)} [${attributes(node, isOfOne)}]`),
    ...edges.map(
      ({ from, to, role }) => `  ${quoted(from)} -> ${quoted(to)} [label = ${quoted(role)}]`,
    ),
    '}',
  ].join('\n')
}

const attributes = (node: Node, isOfOne: boolean): string => {
  const { kind, namespace, name, ready, reason, isMissing } = node
  const state = isMissing ? 'missing' : (reason ?? 'not seen by the controller yet')
  const label = [kind, isOfOne ? name : `${namespace}/${name}`, state].map(onOneLine)
  const colour = ready === 'True' ? '#b6e3ff' : isMissing ? '#ffebe9' : '#fff8c5'
  return `label = "${label.map(escaped).join('\\n')}", fillcolor = "${colour}"`
}

/** In a quoted string of DOT, only these two characters mean something. */
const escaped = (text: string): string => text.replace(/[\\"]/g, '\\$&')

const quoted = (text: string): string => `"${escaped(onOneLine(text))}"`
