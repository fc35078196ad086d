import { listOurs } from '../cluster/collections.ts'
import { type ClusterOptions, clusterOf } from '../cluster/kubeconfig.ts'
import { columnLines } from '../terminal/columns.ts'
import { usageError } from '../terminal/usage.ts'
import { dotOf } from '../view/dot.ts'
import { around, type Graph, graphOf } from '../view/graph.ts'
import type { Shown } from '../view/object.ts'
import { cellsOf, forest, treeAround, treeHead } from '../view/tree.ts'
import { explaining, objectAt } from './failures.ts'
import { targetOf } from './target.ts'

interface Options extends ClusterOptions {
  readonly allNamespaces?: boolean
  readonly output?: 'json' | 'dot'
}

/** What was made from what: all objects of a namespace, or what leads to one and follows from it. */
export async function treeCommand(words: readonly string[], options: Options): Promise<number> {
  const target = words.length ? targetOf(words, 'tree') : undefined
  if (target && 'wrong' in target) return usageError(target.wrong)
  if (target && options.allNamespaces)
    return usageError('an object has one namespace: -n instead of -A')
  const cluster = clusterOf(options)
  const namespace = options.allNamespaces ? undefined : cluster.namespace
  return explaining(namespace, async () => {
    // First, because it says what exists instead.
    if (target) await objectAt(cluster, target)
    const all = graphOf((await listOurs(cluster.kubeConfig, namespace)) as readonly Shown[])
    const id = target && `${cluster.namespace}/${target.kind.kind}/${target.name}`
    const graph = id === undefined ? all : around(all, id)
    if (!graph.nodes.length) console.error(`no objects in ${whereIs(namespace)}`)
    for (const line of linesOf(graph, id, options)) console.log(line)
    return 0
  })
}

const whereIs = (namespace: string | undefined): string =>
  namespace === undefined ? 'any namespace' : `namespace "${namespace}"`

function linesOf(
  graph: Graph,
  id: string | undefined,
  { output, allNamespaces }: Options,
): readonly string[] {
  if (output === 'json') return [asciiJson(graph)]
  if (output === 'dot') return [dotOf(graph)]
  if (!graph.nodes.length) return []
  const branches = id === undefined ? forest(graph) : treeAround(graph, id)
  const now = Date.now()
  const rows = branches.map((branch) => [
    ...(allNamespaces ? [typeof branch.is === 'string' ? '' : branch.is.namespace] : []),
    ...cellsOf(branch, now),
  ])
  const head = [...(allNamespaces ? ['NAMESPACE'] : []), ...treeHead]
  // A terminal that nobody has given a size reports 0.
  const width = (process.stdout.isTTY && process.stdout.columns) || undefined
  return columnLines([head, ...rows], width)
}

/** In ASCII: a terminal interprets none of it, and a program that reads it loses nothing. */
const asciiJson = (graph: Graph): string =>
  JSON.stringify(graph, null, 2).replace(
    /[^\n\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
