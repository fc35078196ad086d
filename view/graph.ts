import type { KindName } from '../crds/kinds.ts'
import { kinds } from '../crds/kinds.ts'
import { lineageOf } from '../crds/references.ts'
import { conditionIn, namespaceIn, originsIn, referencesIn, type Shown } from './object.ts'

/** What was made from what: the objects of the four kinds, and the references between them. */
export interface Graph {
  readonly nodes: readonly Node[]
  readonly edges: readonly Edge[]
}

export interface Node {
  /** NAMESPACE/KIND/NAME */
  readonly id: string
  readonly kind: KindName
  readonly namespace: string
  readonly name: string
  /** Whether another object refers to it and it does not exist. */
  readonly isMissing?: true
  /** The status, reason and message of its condition Ready. */
  readonly ready?: string
  readonly reason?: string
  readonly message?: string
  readonly created?: string
  /** Of its result: the artifacts, or the image of a Model that is one. */
  readonly digest?: string
  /** The Git commit that it was built from. */
  readonly commit?: string
  readonly image?: string
  readonly url?: string
  /** Sources, Git repositories and given images. */
  readonly origins: readonly string[]
}

/** `to` is made from `from`, or serves it, or has it mounted. */
export interface Edge {
  readonly from: string
  readonly to: string
  readonly role: string
}

const idOf = (namespace: string, kind: string, name: string): string =>
  `${namespace}/${kind}/${name}`

export const nodeId = (object: Shown): string =>
  idOf(namespaceIn(object), object.kind, object.metadata.name)

/** The graph of these objects, sorted by namespace, kind and name. */
export function graphOf(objects: readonly Shown[]): Graph {
  const nodes = new Map(objects.map((object) => [nodeId(object), nodeOf(object)]))
  const edges = objects.flatMap((object) => {
    const namespace = namespaceIn(object)
    return referencesIn(object).map(({ role, kind, name }): Edge => {
      const from = idOf(namespace, kind.kind, name)
      if (!nodes.has(from))
        nodes.set(from, {
          id: from,
          kind: kind.kind,
          namespace,
          name,
          isMissing: true,
          origins: [],
        })
      return { from, to: nodeId(object), role }
    })
  })
  return { nodes: [...nodes.values()].sort(inOrder), edges }
}

function nodeOf(object: Shown): Node {
  const { kind, metadata, status } = object
  const ready = conditionIn(object, 'Ready')
  const { image, url } = status?.artifacts ?? {}
  const used = image ?? status?.image
  const digest = digestIn(object)
  const commit = status?.stages?.build?.commit
  return {
    id: nodeId(object),
    kind,
    namespace: namespaceIn(object),
    name: metadata.name,
    ...(ready && { ready: ready.status, reason: ready.reason, message: ready.message }),
    ...(metadata.creationTimestamp && { created: metadata.creationTimestamp }),
    ...(digest && { digest }),
    ...(commit && { commit }),
    ...(used && { image: used }),
    ...(url && { url }),
    origins: originsIn(object),
  }
}

/** The digest of the result. Servers and notebooks have none; an image that was built only to run is none. */
function digestIn({ status }: Shown): string | undefined {
  const { load, run } = status?.stages ?? {}
  const [, ofImage] = /@(sha256:[0-9a-f]{64})$/.exec(status?.artifacts?.image ?? '') ?? []
  return load?.digest ?? run?.digest ?? ofImage
}

const rank = (kind: KindName): number => kinds.findIndex((one) => one.kind === kind)

const inOrder = (a: Node, b: Node): number =>
  a.namespace.localeCompare(b.namespace) ||
  rank(a.kind) - rank(b.kind) ||
  a.name.localeCompare(b.name)

/** The part of the graph that leads to a node, and that follows from it. */
export function around({ nodes, edges }: Graph, id: string): Graph {
  const { before: up, after: down } = lineageOf(id, edges)
  const isIn = (one: string) => up.has(one) || down.has(one)
  return {
    nodes: nodes.filter((node) => isIn(node.id)),
    edges: edges.filter(
      ({ from, to }) => (up.has(from) && up.has(to)) || (down.has(from) && down.has(to)),
    ),
  }
}
