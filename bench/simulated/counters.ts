/** A counter of the text format of Prometheus, with its labels. */
export interface Counter {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The lines of one metric, without comments. Label values with escaped quotes do not occur here. */
export const countersOf = (text: string, name: string): readonly Counter[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) => {
      const end = line.lastIndexOf('}')
      const labels = line.slice(name.length + 1, end).matchAll(/(\w+)="([^"]*)"/g)
      return {
        name,
        labels: Object.fromEntries([...labels].map(([, key = '', value = '']) => [key, value])),
        value: Number(line.slice(end + 2)),
      }
    })

/** Writes that the API server accepted, by `VERB RESOURCE`. Leases are no work of ours. */
export function writesIn(text: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { labels, value } of countersOf(text, 'apiserver_request_total')) {
    const { verb = '', resource = '', subresource, code = '', dry_run: isDry } = labels
    if (!/^(POST|PUT|PATCH|APPLY|DELETE)$/.test(verb) || !code.startsWith('2') || isDry) continue
    if (/review|leases|tokenrequests/.test(resource)) continue
    const key = `${verb} ${resource}${subresource ? `/${subresource}` : ''}`
    sums.set(key, (sums.get(key) ?? 0) + value)
  }
  return sums
}

/** Answers of the sync hooks, by their path. */
export const syncsByPath = (text: string): ReadonlyMap<string, number> =>
  new Map(
    countersOf(text, 'substratus_request_duration_seconds_count')
      .filter(({ labels }) => labels.route?.endsWith('/sync') && labels.code === '200')
      .map(({ labels, value }) => [labels.route ?? '', value]),
  )

/** Answers of all sync hooks. */
export const syncsIn = (text: string): number =>
  [...syncsByPath(text).values()].reduce((sum, value) => sum + value, 0)

export const difference = (
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> =>
  new Map(
    [...now]
      .map(([key, value]): [string, number] => [key, value - (before.get(key) ?? 0)])
      .filter(([, value]) => value > 0)
      .sort(([, a], [, b]) => b - a),
  )
