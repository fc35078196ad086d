import { listAll, pathOf } from '../cluster/collections.ts'
import { codeOf, read } from '../cluster/exchange.ts'
import type { Cluster } from '../cluster/kubeconfig.ts'
import { refusalOf } from '../cluster/refusal.ts'
import { failureLines } from '../cluster/remedy.ts'
import type { Parent } from '../crds/kind.ts'
import { nearNames } from '../view/near.ts'
import type { Shown } from '../view/object.ts'
import type { Target } from './target.ts'

/** Why a command could not do its work, and what would let it. */

/** Runs a command; a refusal of the API server ends it with code 1, and the command that helps. */
export async function explaining(
  namespace: string | undefined,
  run: () => Promise<number>,
): Promise<number> {
  try {
    return await run()
  } catch (error) {
    for (const line of failureLines(refusalOf(error), namespace)) console.error(line)
    return 1
  }
}

/** The object; the error for one that does not exist has the names that resemble it. */
export async function objectAt(
  { kubeConfig, namespace }: Cluster,
  { kind, name }: Target,
): Promise<Shown> {
  try {
    return await read<Shown>(
      kubeConfig,
      `${pathOf(kind, namespace)}/${encodeURIComponent(name)}`,
      {},
    )
  } catch (error) {
    if (codeOf(error) !== 404 || refusalOf(error).name !== name) throw error
    const missing = `${kind.kind} "${name}" does not exist in namespace "${namespace}"`
    throw new Error(`${missing}${await othersOf({ kubeConfig, namespace }, { kind, name })}`)
  }
}

/** Somebody who may read a single object may not list them: then nothing is added. */
async function othersOf(
  { kubeConfig, namespace }: Cluster,
  { kind, name }: Target,
): Promise<string> {
  try {
    const all = await listAll<Parent>(kubeConfig, pathOf(kind, namespace))
    const near = nearNames(
      name,
      all.map(({ metadata }) => metadata.name),
    )
    return near.length
      ? `; ${kind.plural} there: ${near.join(', ')}`
      : `, and no other ${kind.singular} does`
  } catch {
    return ''
  }
}
