import { useEffect, useMemo, useState } from 'preact/hooks'
import { cutAt } from '../crds/text.ts'
import type { PageKind } from '../ui/wire.ts'
import { type Graph, graphOf, idOf, relatedTo, shapeOf } from './core/graph.ts'
import { hashOf, type Place } from './core/place.ts'
import { stateOf } from './core/state.ts'
import type { Thing } from './core/things.ts'
import { height, type Layout, layoutOf, width } from './layout.ts'

interface Props {
  readonly things: readonly Thing[]
  readonly kinds: readonly PageKind[]
  readonly place: Place
}

/** Objects as boxes, data flowing from left to right. The list has the same for a screen reader. */
export function GraphView({ things, kinds, place }: Props) {
  const graph = useMemo(() => graphOf(things, kinds), [things, kinds])
  const layout = useLayout(graph)
  const plurals = new Map(kinds.map(({ kind, plural }) => [kind, plural]))
  const chosen = kinds.find(({ plural }) => plural === place.plural)?.kind
  const related = place.name ? relatedTo(idOf(chosen ?? '', place.name), graph) : undefined
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <section class="graph" aria-label="Graph" tabIndex={0}>
      {!layout && <p>{graph.nodes.length ? 'Laying out the graph…' : 'There are no objects.'}</p>}
      {typeof layout === 'string' && <p>The graph cannot be laid out: {layout}</p>}
      {typeof layout === 'object' && (
        <svg
          width={layout.width}
          height={layout.height}
          viewBox={`0 0 ${layout.width} ${layout.height}`}
          aria-label="Objects, and what was made from what"
        >
          {layout.edges.map(({ id, path }) => (
            <path key={id} class="edge" d={path} />
          ))}
          {graph.nodes.map(({ id, kind, name, thing }) => {
            const at = layout.nodes.get(id)
            if (!at) return null
            const state = thing && stateOf(thing)
            const isFar = related && !related.has(id)
            return (
              <a
                key={id}
                href={hashOf({ view: 'graph', plural: plurals.get(kind), name })}
                class={`node ${state?.tone ?? 'missing'}${isFar ? ' far' : ''}`}
              >
                <rect x={at.x} y={at.y} width={width} height={height} rx="6">
                  <title>{`${name}: ${state?.message ?? 'does not exist'}`}</title>
                </rect>
                {/* As much as fits into the box; its title has all. */}
                <text x={at.x + 10} y={at.y + 19}>
                  {cutAt(name, 22)}
                </text>
                <text class="word" x={at.x + 10} y={at.y + 37}>
                  {cutAt(`${kind}: ${state?.word ?? 'does not exist'}`, 33)}
                </text>
              </a>
            )
          })}
        </svg>
      )}
    </section>
  )
}

/** Where everything is; a string if that failed. The old layout stays until the new one is there. */
function useLayout(graph: Graph): Layout | string | undefined {
  const [layout, setLayout] = useState<Layout | string>()
  const shape = shapeOf(graph)
  useEffect(() => {
    let isOver = false
    if (!graph.nodes.length) return setLayout(undefined)
    layoutOf(graph).then(
      (found) => isOver || setLayout(found),
      (error: unknown) => isOver || setLayout(String(error)),
    )
    return () => {
      isOver = true
    }
  }, [shape])
  return layout
}
