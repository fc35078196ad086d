import { onOneLine } from '../crds/text.ts'
import { fitted, padded, widthOf } from './width.ts'

/**
 * Rows as aligned columns; the last cell of a row is not padded. The cells come from the cluster: whatever a
 * terminal would interpret is removed. Lines are cut at `width`.
 */
export function columnLines(
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): readonly string[] {
  const shown = rows.map((cells) => cells.map(asCell))
  const count = Math.max(0, ...shown.map((cells) => cells.length))
  const widths = [...Array(count).keys()].map((index) =>
    Math.max(
      ...shown.map((cells) => (index === cells.length - 1 ? 0 : widthOf(cells[index] ?? ''))),
    ),
  )
  return shown.map((cells) => {
    const line = cells
      .map((cell, index) => (index === cells.length - 1 ? cell : padded(cell, widths[index] ?? 0)))
      .join('  ')
      .trimEnd()
    return fitted(line, width)
  })
}

/** Branches of a tree begin with spaces, which stay. */
const asCell = (cell: string): string => {
  const [indent = ''] = /^[ │├└─]*/.exec(cell) ?? []
  return `${indent}${onOneLine(cell.slice(indent.length))}`
}
