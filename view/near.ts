/** Names that somebody may have meant who typed another one. */

/** How many letters differ: inserted, left out, replaced, or two that changed places. */
function distance(a: string, b: string): number {
  const rows: number[][] = [[...Array(b.length + 1).keys()]]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
          ? at(rows, i - 2, j - 2) + 1
          : Number.POSITIVE_INFINITY
      row.push(
        Math.min(
          at(rows, i - 1, j) + 1,
          (row[j - 1] ?? 0) + 1,
          at(rows, i - 1, j - 1) + same,
          swapped,
        ),
      )
    }
    rows.push(row)
  }
  return at(rows, a.length, b.length)
}

const at = (rows: readonly (readonly number[])[], i: number, j: number): number => rows[i]?.[j] ?? 0

/** A list of more names would be read by nobody. */
const most = 10

/** The names that resemble the given one, the nearest first; if none does, the first of all. */
export function nearNames(name: string, all: readonly string[]): readonly string[] {
  const sorted = [...new Set(all)].sort()
  const limit = Math.max(2, Math.floor(name.length / 3))
  const near = sorted
    .map((one) => ({
      one,
      far: one.includes(name) || name.includes(one) ? 1 : distance(name, one),
    }))
    .filter(({ far }) => far <= limit)
    .sort((a, b) => a.far - b.far)
    .map(({ one }) => one)
  return (near.length ? near : sorted).slice(0, most)
}
