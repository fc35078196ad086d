import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import { aligned, type Curve } from './core/progress.ts'

interface Named {
  readonly name: string
  readonly curves: readonly Curve[]
}

/** A plot for each metric, with a line for each object that has it. */
export function Curves({ sets }: { readonly sets: readonly Named[] }) {
  const plots = new Map<string, { metric: string; over: string; lines: Line[] }>()
  for (const { name, curves } of sets)
    for (const curve of curves) {
      const { metric, over } = curve
      const key = `${metric} ${over}`
      const plot = plots.get(key) ?? { metric, over, lines: [] }
      plot.lines.push({ name, curve })
      plots.set(key, plot)
    }
  return (
    <>
      {[...plots].map(([key, { metric, over, lines }]) => (
        <Plot key={key} metric={metric} over={over} lines={lines} />
      ))}
    </>
  )
}

interface Line {
  readonly name: string
  readonly curve: Curve
}

interface PlotProps {
  readonly metric: string
  readonly over: string
  readonly lines: readonly Line[]
}

/** The values in words, for those who do not see the picture. */
const summary = ({ name, curve: { points } }: Line): string => {
  const [first, last] = [points[0], points.at(-1)]
  return `${name}: from ${first?.y} at ${first?.x} to ${last?.y} at ${last?.x}`
}

const colours = ['--working', '--failed'] as const

function Plot({ metric, over, lines }: PlotProps) {
  const box = useRef<HTMLDivElement>(null)
  const data = aligned(lines.map(({ curve }) => curve))
  const shape = JSON.stringify(data)
  useEffect(() => {
    const parent = box.current
    if (!parent) return
    const style = getComputedStyle(parent)
    const axis = { stroke: style.color, grid: { stroke: style.getPropertyValue('--line') } }
    const plot = new UPlot(
      {
        width: parent.clientWidth || 480,
        height: 160,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false } },
        axes: [axis, axis],
        series: [
          {},
          ...lines.map(({ name }, at) => ({
            label: name,
            width: 2,
            spanGaps: true,
            stroke: style.getPropertyValue(colours[at % colours.length] ?? ''),
          })),
        ],
      },
      data,
      parent,
    )
    return () => plot.destroy()
  }, [shape])
  const words = lines.map(summary).join('; ')
  return (
    <figure>
      <div ref={box} role="img" aria-label={`${metric} by ${over}; ${words}`} />
      <figcaption>
        {metric} by {over}
        {lines.length > 1 &&
          lines.map(({ name }, at) => (
            <span key={name} class={`line${at}`}>
              {' '}
              {name}
            </span>
          ))}
      </figcaption>
    </figure>
  )
}
