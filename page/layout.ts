import type { ELK, ElkNode } from 'elkjs/lib/elk-api.js'
import type { Graph } from './core/graph.ts'

/** Where the boxes and lines of a graph are, computed by elkjs in a worker, so that the page stays fluid. */

export interface Layout {
  readonly width: number
  readonly height: number
  readonly nodes: ReadonlyMap<string, { readonly x: number; readonly y: number }>
  readonly edges: readonly { readonly id: string; readonly path: string }[]
}

/** Of a box. */
export const width = 220
export const height = 46

const options = {
  'elk.algorithm': 'layered',
  'elk.direction': 'RIGHT',
  'elk.layered.spacing.nodeNodeBetweenLayers': '60',
  'elk.spacing.nodeNode': '14',
  'elk.edgeRouting': 'POLYLINE',
}

/** Loaded only when it is needed: most people look at the list. */
let loading: Promise<ELK> | undefined

export async function layoutOf({ nodes, edges }: Graph): Promise<Layout> {
  loading ??= import('./elk.ts').then(({ elk }) => elk())
  const found = await (await loading).layout({
    id: 'root',
    layoutOptions: options,
    children: nodes.map(({ id }) => ({ id, width, height })),
    edges: edges.map(({ from, to }) => ({ id: `${from}>${to}`, sources: [from], targets: [to] })),
  })
  return layoutFrom(found)
}

const layoutFrom = (found: ElkNode): Layout => ({
  width: Math.ceil(found.width ?? 0),
  height: Math.ceil(found.height ?? 0),
  nodes: new Map((found.children ?? []).map(({ id, x = 0, y = 0 }) => [id, { x, y }])),
  edges: (found.edges ?? []).map(({ id, sections = [] }) => ({
    id,
    path: sections
      .map(({ startPoint, bendPoints = [], endPoint }) =>
        [startPoint, ...bendPoints, endPoint]
          .map(({ x, y }, at) => `${at ? 'L' : 'M'}${x} ${y}`)
          .join(''),
      )
      .join(''),
  })),
})
