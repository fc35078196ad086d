import { rankFor } from '../../crds/adapters.ts'
import type { ServerPreset } from '../../crds/config.ts'
import { annotations } from '../../crds/kind.ts'
import type { ModelServerSpec } from '../../crds/modelserver.ts'
import { type Adapter, type ServedAdapter, servedAdapters } from '../../crds/status.ts'
import type { Pod, PodTemplate } from '../children/manifesttypes.ts'
import type { Facts } from '../engine/read.ts'
import { prune } from '../observe/prune.ts'
import { adapterAt, adapterFolder, resultMount } from './mounts.ts'
import { joined, type Mounts } from './volumes.ts'

type ServerFacts = Facts<ModelServerSpec>

/** Each adapter at /content/adapters/NAME. */
export const adapterMounts = ({ adapters, parent, config }: ServerFacts): Mounts =>
  joined(
    ...adapters.map(({ name, reference }) =>
      resultMount(adapterAt(name), reference, config, parent.spec.resources?.disk),
    ),
  )

/** The adapters that a server loads, in the order of spec.adapters. */
const loaded = ({ adapters }: ServerFacts): readonly (Adapter & { readonly name: string })[] =>
  adapters.flatMap(({ name, reference }) =>
    reference.state === 'ready' && reference.artifacts.adapter
      ? [{ ...reference.artifacts.adapter, name }]
      : [],
  )

/** The arguments of a preset for the adapters; none without adapters. */
export function adapterArguments(
  { adapterArgs }: Pick<ServerPreset, 'adapterArgs'>,
  facts: ServerFacts,
): readonly string[] {
  const adapters = loaded(facts)
  if (!adapterArgs || !adapters.length) return []
  const rank = String(rankFor(adapterArgs, adapters) ?? '')
  const filled = (words: readonly string[], name = '', path = '') =>
    words.map((word) => {
      const values: Readonly<Record<string, string>> = { rank, adapter: name, path }
      return word.replaceAll(/\{(rank|adapter|path)\}/g, (_, key) => values[key] ?? '')
    })
  return [
    ...filled(adapterArgs.once ?? []),
    ...adapters.flatMap(({ name, path }) =>
      filled(adapterArgs.each, name, path ? `${adapterFolder(name)}/${path}` : adapterFolder(name)),
    ),
  ]
}

/**
 * The annotation of the Pods that says how requests select the adapters, because it comes and goes with the
 * command line that it describes. The status has what all Pods agree on.
 */
export function adapterAnnotation(
  select: 'model' | 'lora',
  facts: ServerFacts,
): Readonly<Record<string, string>> {
  const served: readonly ServedAdapter[] = loaded(facts).map(({ name }, lora) =>
    select === 'lora' ? { name, lora } : { name },
  )
  return served.length ? { [annotations.adapters]: JSON.stringify(served) } : {}
}

/** What that annotation says. Anyone who may edit Pods or Deployments of the namespace can change it. */
export function adaptersIn(
  pod: Pick<PodTemplate | Pod, 'metadata'> | undefined,
): readonly ServedAdapter[] {
  try {
    const value: unknown = JSON.parse(pod?.metadata.annotations?.[annotations.adapters] ?? '[]')
    const found = (prune(servedAdapters, value) ?? []) as readonly ServedAdapter[]
    return [...new Map(found.map((one) => [one.name, one])).values()]
  } catch {
    return []
  }
}
