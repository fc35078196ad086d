import { onOneLine } from '../crds/text.ts'
import { type Row, tableLines } from './table.ts'
import { fitted } from './width.ts'

/** Where a table is drawn: process.stdout, or a test's buffer. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  /** How many lines are visible. */
  readonly rows?: number
  readonly write: (text: string) => unknown
}

/** Whether a terminal can move its cursor: a dumb one, such as that of an editor, would show the sequences. */
export const canRedraw = ({ isTTY }: Output, term = process.env.TERM): boolean =>
  isTTY === true && term !== 'dumb'

/**
 * Draws in place on a terminal; elsewhere prints the rows that have changed, and only those. On a
 * terminal, a note stands below the table for as long as it is given.
 */
export const screenOf = (output: Output): ((rows: readonly Row[], note?: string) => void) =>
  canRedraw(output) ? inPlace(output) : onChange(output)

function inPlace(output: Output) {
  let drawn = ''
  return (rows: readonly Row[], note?: string) => {
    const shownNote =
      note === undefined ? [] : [fitted(onOneLine(note), orUnlimited(output.columns))]
    const text = `${[...fitting(rows, output), ...shownNote].join('\n')}\n`
    if (text === drawn) return
    const up = drawn.split('\n').length - 1
    output.write(`${up ? `\x1b[${up}A\x1b[J` : ''}${text}`)
    drawn = text
  }
}

/** What has scrolled out of sight cannot be redrawn: what is Ready is left out first. */
function fitting(rows: readonly Row[], output: Output): readonly string[] {
  const [columns, height] = [orUnlimited(output.columns), orUnlimited(output.rows)]
  // The heading, the line that counts the others, a note, and the cursor's line.
  const room = Math.max(1, height - 4)
  if (rows.length <= room) return tableLines(rows, columns)
  const order = [...rows.filter(isUnready), ...rows.filter((row) => !isUnready(row))]
  const shown = new Set(order.slice(0, room))
  const hidden = rows.filter((row) => !shown.has(row))
  const ready = hidden.filter((row) => !isUnready(row)).length
  return [
    ...tableLines(
      rows.filter((row) => shown.has(row)),
      columns,
    ),
    fitted(`… and ${hidden.length} more, ${ready} of them Ready`, columns),
  ]
}

/** A terminal that nobody has given a size reports 0. */
const orUnlimited = (count: number | undefined): number => count || Number.POSITIVE_INFINITY

const isUnready = ({ ready }: Row): boolean => ready !== 'True'

function onChange(output: Output) {
  const printed = new Map<string, { readonly value: string; readonly row: Row }>()
  return (rows: readonly Row[]) => {
    const present = new Set(rows.map(keyOf))
    const gone = [...printed.values()]
      .filter(({ row }) => !present.has(keyOf(row)))
      .map(({ row: { kind, name } }): Row => {
        printed.delete(keyOf({ kind, name }))
        return { kind, name, ready: '-', reason: 'Deleted', message: '' }
      })
    const isFirst = printed.size + gone.length === 0
    // Together, so that their columns are aligned.
    const [heading = '', ...lines] = tableLines([...rows, ...gone])
    const write = (line = '') => output.write(`${line}\n`)
    if (isFirst && rows.length) write(heading)
    for (const [index, row] of rows.entries()) {
      const { ready, reason, message, progress } = row
      const key = keyOf(row)
      // Steps, metrics and the time that is left change all the time.
      const value = JSON.stringify([ready, reason, message, progress?.landmark])
      if (printed.get(key)?.value === value) continue
      write(lines[index])
      printed.set(key, { value, row })
    }
    for (const line of lines.slice(rows.length)) write(line)
  }
}

const keyOf = ({ kind, name }: Pick<Row, 'kind' | 'name'>): string => `${kind}/${name}`
