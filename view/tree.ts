import { ageOf } from '../crds/duration.ts'
import type { Edge, Graph, Node } from './graph.ts'

/** A line of the drawing: its branches, and the node or the word that they lead to. */
export interface Branch {
  readonly lead: string
  readonly is: Node | string
  /** Whether what follows from it is drawn above. */
  readonly isRepeated?: boolean
}

interface Twig {
  readonly is: Node | string
  readonly twigs: readonly Twig[]
  readonly isRepeated?: boolean
}

type Side = (edge: Edge) => { readonly near: string; readonly far: string }
const uses: Side = ({ from, to }) => ({ near: from, far: to })
const origin: Side = ({ from, to }) => ({ near: to, far: from })

/** The nodes at the other ends of a node's edges, in the order of the graph. */
type Ends = (id: string) => readonly Node[]

/** Looks up each object once, because there may be thousands. */
function endsOf({ nodes, edges }: Graph, side: Side): Ends {
  const places = new Map(nodes.map(({ id }, place) => [id, place]))
  const ends = new Map<string, Set<number>>()
  for (const { near, far } of edges.map(side)) {
    const place = places.get(far)
    if (place === undefined) continue
    const own = ends.get(near) ?? new Set()
    ends.set(near, own.add(place))
  }
  return (id) =>
    [...(ends.get(id) ?? [])].sort((a, b) => a - b).flatMap((place) => nodes[place] ?? [])
}

/** Each object below what it was made from. One with several origins is drawn below each. */
export function forest(graph: Graph): readonly Branch[] {
  const drawn = new Set<string>()
  const ends = endsOf(graph, uses)
  const made = new Set(graph.edges.map(({ to }) => to))
  const roots = graph.nodes.filter(({ id }) => !made.has(id))
  const trees = roots.map((node) => grown(node, ends, drawn))
  // What is left leads in a circle.
  const circles = graph.nodes.flatMap((node) =>
    drawn.has(node.id) ? [] : [grown(node, ends, drawn)],
  )
  return [...trees, ...circles].flatMap((tree) => lines(tree))
}

/** One object: what it was made from, with the origins of that, and what was made from it. */
export function treeAround(graph: Graph, id: string): readonly Branch[] {
  const node = graph.nodes.find((one) => one.id === id)
  if (!node) return []
  const made = grown(node, endsOf(graph, origin), new Set(), true)
  const used = grown(node, endsOf(graph, uses), new Set())
  const twigs = [
    { is: 'made from', twigs: made.twigs },
    { is: 'used by', twigs: used.twigs },
  ].filter((group) => group.twigs.length)
  return lines({ is: node, twigs })
}

function grown(node: Node, ends: Ends, drawn: Set<string>, withOrigins = false): Twig {
  const next = ends(node.id)
  const origins = withOrigins ? node.origins : []
  if (drawn.has(node.id))
    return { is: node, twigs: [], isRepeated: next.length + origins.length > 0 }
  drawn.add(node.id)
  return {
    is: node,
    twigs: [
      ...next.map((one) => grown(one, ends, drawn, withOrigins)),
      ...origins.map((is) => ({ is, twigs: [] })),
    ],
  }
}

function lines({ is, twigs, isRepeated }: Twig, lead = '', below = ''): readonly Branch[] {
  const last = twigs.length - 1
  return [
    { lead, is, ...(isRepeated && { isRepeated }) },
    ...twigs.flatMap((twig, index) =>
      lines(
        twig,
        `${below}${index === last ? '└─' : '├─'}`,
        `${below}${index === last ? '  ' : '│ '}`,
      ),
    ),
  ]
}

export const treeHead = ['NAME', 'READY', 'REASON', 'AGE', 'RESULT', 'COMMIT'] as const

/** The cells of a line, as a table shows them. */
export function cellsOf({ lead, is, isRepeated }: Branch, now: number): readonly string[] {
  if (typeof is === 'string') return [`${lead}${is}`]
  const { kind, name, ready, reason, created, digest, commit, isMissing } = is
  const title = `${lead}${kind}/${name}`
  if (isMissing) return [title, '-', 'missing']
  return [
    isRepeated ? `${title} (see above)` : title,
    ready ?? '-',
    reason ?? '-',
    ageOf(created, now),
    digest?.replace(/^sha256:(.{12}).*$/, 'sha256:$1') ?? '-',
    commit?.slice(0, 12) ?? '-',
  ]
}
