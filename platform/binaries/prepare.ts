import type { Output } from '../../terminal/screen.ts'
import {
  findActionlint,
  findBinaries,
  findHelm,
  findKubeStateMetrics,
  findNodeBinaries,
  findOlderKubectl,
} from './find.ts'

/**
 * `npm run binaries`: downloads or builds the programs that the platform and its tests run, so that what
 * starts afterwards finds them in the cache. With `node`, also those of a real node, and kube-state-metrics,
 * which only one test needs and which takes minutes to build.
 */
export async function prepare(
  options: { readonly node?: boolean; readonly output?: Output } = {},
): Promise<number> {
  const { output = process.stdout } = options
  const lookup = { progress: (line: string) => void output.write(`${line}\n`) }
  const found: string[] = Object.values(await findBinaries(lookup))
  // One after the other: each build takes all cores.
  for (const find of [findHelm, findOlderKubectl, findActionlint]) found.push(await find(lookup))
  if (options.node) {
    found.push(await findKubeStateMetrics(lookup))
    found.push(...Object.values(await findNodeBinaries(lookup)))
  }
  for (const path of found) output.write(`${path}\n`)
  return 0
}
