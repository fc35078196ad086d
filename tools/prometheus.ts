/** The sums of the samples of some metrics, whatever their labels; in Prometheus' text format. */
export function sumsIn(text: string, names: readonly string[]): ReadonlyMap<string, number> {
  const wanted = new Set(names)
  const sums = new Map<string, number>()
  for (const line of text.split('\n')) {
    const name = /^[A-Za-z_:][\w:]*/.exec(line)?.[0]
    if (name === undefined || !wanted.has(name)) continue
    const value = valueIn(line.slice(name.length))
    if (value !== undefined) sums.set(name, (sums.get(name) ?? 0) + value)
  }
  return sums
}

/** Labels may contain anything in quotes, also braces; a time may follow the value. */
function valueIn(rest: string): number | undefined {
  const values = rest.startsWith('{') ? rest.slice(rest.lastIndexOf('}') + 1) : rest
  const [value = ''] = values.trim().split(/\s+/)
  const number = value === '' ? Number.NaN : Number(value)
  return Number.isFinite(number) ? number : undefined
}
