import { type Row, tableLines } from './table.ts'

/** Where a table is drawn: process.stdout, or a test's buffer. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly write: (text: string) => unknown
}

/** Draws in place on a terminal; elsewhere prints the rows that have changed, and only those. */
export const screenOf = (output: Output): ((rows: readonly Row[]) => void) =>
  output.isTTY ? inPlace(output) : onChange(output)

function inPlace(output: Output) {
  let drawn = ''
  return (rows: readonly Row[]) => {
    const text = `${tableLines(rows, output.columns).join('\n')}\n`
    if (text === drawn) return
    const up = drawn.split('\n').length - 1
    output.write(`${up ? `\x1b[${up}A\x1b[J` : ''}${text}`)
    drawn = text
  }
}

function onChange(output: Output) {
  const printed = new Map<string, string>()
  return (rows: readonly Row[]) => {
    const [heading = '', ...lines] = tableLines(rows)
    for (const [index, { kind, name, ready, reason, message }] of rows.entries()) {
      const key = `${kind}/${name}`
      const value = [ready, reason, message].join()
      if (printed.get(key) === value) continue
      if (printed.size === 0) output.write(`${heading}\n`)
      output.write(`${lines[index]}\n`)
      printed.set(key, value)
    }
  }
}
