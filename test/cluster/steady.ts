import { type Ended, manifest } from './cluster.ts'

/** Applies one change after another until it is stopped, and returns the failures. */
export function applySteadily(apply: (model: string) => Promise<Ended>, name: string) {
  let over = false
  const failed: string[] = []
  const all = (async () => {
    let count = 0
    for (; !over; count++) {
      const result = await apply(manifest('Model', name, { image: `example.com/m:${count}` }))
      if (result.code !== 0) failed.push(result.stderr)
    }
    return { failed, count }
  })()
  return () => {
    over = true
    return all
  }
}
