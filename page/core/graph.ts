import { lineageOf, namesIn } from '../../crds/references.ts'
import type { PageKind } from '../../ui/wire.ts'
import type { Thing } from './things.ts'

/** What was made from what: objects, and an edge from each object to one that refers to it. */

export interface Node {
  /** `Model/falcon` */
  readonly id: string
  readonly kind: string
  readonly name: string
  /** Undefined: something refers to it, and it does not exist. */
  readonly thing?: Thing
}

export interface Edge {
  readonly from: string
  readonly to: string
}

export interface Graph {
  readonly nodes: readonly Node[]
  readonly edges: readonly Edge[]
}

export const idOf = (kind: string, name: string): string => `${kind}/${name}`

/** What an object refers to, as its kind says. */
export function referencesOf(
  thing: Thing,
  kinds: readonly PageKind[],
): readonly Pick<Node, 'id' | 'kind' | 'name'>[] {
  const { references = [] } = kinds.find(({ kind }) => kind === thing.kind) ?? {}
  return references.flatMap(({ field, kind }) => {
    return namesIn(thing.spec?.[field]).map((name) => ({ id: idOf(kind, name), kind, name }))
  })
}

export function graphOf(things: readonly Thing[], kinds: readonly PageKind[]): Graph {
  const nodes = new Map<string, Node>(
    things.map((thing) => {
      const { kind, metadata } = thing
      const id = idOf(kind, metadata.name)
      return [id, { id, kind, name: metadata.name, thing }]
    }),
  )
  const edges = new Map<string, Edge>()
  for (const thing of things)
    for (const reference of referencesOf(thing, kinds)) {
      if (!nodes.has(reference.id)) nodes.set(reference.id, reference)
      const edge = { from: reference.id, to: idOf(thing.kind, thing.metadata.name) }
      edges.set(`${edge.from} ${edge.to}`, edge)
    }
  return { nodes: [...nodes.values()], edges: [...edges.values()] }
}

/** What the layout depends on: the graph is laid out again only if this has changed. */
export const shapeOf = ({ nodes, edges }: Graph): string =>
  [...nodes.map(({ id }) => id), ...edges.map(({ from, to }) => `${from}>${to}`)].join(' ')

/** The ids of what an object was made from and what was made from it, however far, itself included. */
export function relatedTo(id: string, { edges }: Graph): ReadonlySet<string> {
  const { before, after } = lineageOf(id, edges)
  return new Set([...before, ...after])
}
