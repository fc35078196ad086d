import { median } from '../figures.ts'
import type { Pair } from './report.ts'

/** What a Model costs against how many there are, as an SVG: where the lines are level, the cost is linear. */

interface Line {
  readonly title: string
  readonly color: string
  readonly dash?: string
  readonly value: (pair: Pair) => number
}

const perModel = (seconds: number, models: number): number => (1000 * seconds) / models

const lines: readonly Line[] = [
  {
    title: 'our server',
    color: '#0072b2',
    value: ({ ours }) => perModel(ours.used.server.cpuSeconds, ours.models),
  },
  {
    title: 'Metacontroller',
    color: '#d55e00',
    value: ({ ours }) => perModel(ours.used.metacontroller.cpuSeconds, ours.models),
  },
  {
    title: 'Metacontroller, fixed answers',
    color: '#d55e00',
    dash: '5 4',
    value: ({ fixed }) => perModel(fixed.used.metacontroller.cpuSeconds, fixed.models),
  },
  {
    title: 'API server',
    color: '#009e73',
    value: ({ ours }) => perModel(ours.used['kube-apiserver'].cpuSeconds, ours.models),
  },
  {
    title: 'API server, fixed answers',
    color: '#009e73',
    dash: '5 4',
    value: ({ fixed }) => perModel(fixed.used['kube-apiserver'].cpuSeconds, fixed.models),
  },
]

const size = { width: 720, height: 400, left: 60, right: 230, top: 40, bottom: 50 }

/** `sizes`: the pairs of each number of Models, from few to many. */
export function plotOf(sizes: readonly (readonly Pair[])[], title: string): string {
  const models = sizes.map((pairs) => pairs[0]?.ours.models ?? 1)
  const values = lines.map(({ value }) => sizes.map((pairs) => median(pairs.map(value))))
  const x = scaled(models.map(Math.log), [size.left, size.width - size.right])
  const most = niceAbove(Math.max(...values.flat()))
  const y = (value: number): number =>
    round(size.height - size.bottom - (value / most) * (size.height - size.top - size.bottom))
  const at = (count: number): number => x(Math.log(count))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="13">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    text(size.left, 20, title, 'start'),
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((part) => [
      `<line x1="${size.left}" x2="${size.width - size.right}" y1="${y(part * most)}" y2="${y(part * most)}" stroke="#ddd"/>`,
      text(size.left - 8, y(part * most) + 4, String(round(part * most)), 'end'),
    ]),
    ...models.map((count) => text(at(count), size.height - size.bottom + 20, String(count))),
    text((size.left + size.width - size.right) / 2, size.height - 10, 'Models'),
    ...labelled(values, y).flatMap(({ line, points, labelY }) => [
      `<polyline points="${points.map((value, index) => `${at(models[index] ?? 1)},${y(value)}`).join(' ')}" fill="none" stroke="${line.color}" stroke-width="2"${line.dash ? ` stroke-dasharray="${line.dash}"` : ''}/>`,
      `<text x="${size.width - size.right + 10}" y="${labelY}" fill="${line.color}">${line.title}</text>`,
    ]),
    '</svg>',
    '',
  ].join('\n')
}

/** Each line with the place of its name: beside its end, and at least a line of text from the next. */
function labelled(values: readonly (readonly number[])[], y: (value: number) => number) {
  let last = 0
  return lines
    .map((line, index) => ({ line, points: values[index] ?? [] }))
    .toSorted((a, b) => (b.points.at(-1) ?? 0) - (a.points.at(-1) ?? 0))
    .map(({ line, points }) => {
      last = Math.max(y(points.at(-1) ?? 0) + 4, last + 16)
      return { line, points, labelY: last }
    })
}

const text = (x: number, y: number, content: string, anchor = 'middle'): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`

const round = (value: number): number => Math.round(value * 10) / 10

function scaled(values: readonly number[], [from, to]: readonly [number, number]) {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return (value: number): number =>
    round(from + ((value - least) / (most - least || 1)) * (to - from))
}

/** The next of 1, 2, 4, 8 and their multiples of ten. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return power * ([1, 2, 4, 8].find((factor) => factor * power >= value) ?? 10)
}
