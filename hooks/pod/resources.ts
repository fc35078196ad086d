import type { Resources } from '../../crds/common.ts'
import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { cores, gibibytes } from '../../crds/schema/quantity.ts'
import { gpuOf } from './gpu.ts'

const fallback = { cpu: 2, memory: 10, disk: 100 } as const

const wanted = (parent: Parent, config: Config) => ({
  ...fallback,
  ...config.resources[parent.kind],
  ...(parent.spec as { resources?: Resources }).resources,
})

/**
 * Requests only, unless the configuration says otherwise: a memory limit kills containers, and a CPU
 * limit slows them down. GPUs are either limits, as Kubernetes requires of extended resources, or claims.
 */
export function resourcesOf(parent: Parent, config: Config) {
  const { cpu, memory } = wanted(parent, config)
  const gpu = gpuOf((parent.spec as { resources?: Resources }).resources, config)
  const requests = { cpu: cores(cpu), memory: gibibytes(memory) }
  const limits = { ...limitsFor(requests, config), ...gpu.limits }
  return {
    requests: { ...requests, ...gpu.limits },
    ...(Object.keys(limits).length && { limits }),
    ...(gpu.devices && { claims: [{ name: 'gpu' }] }),
  }
}

/** The size of the volume for artifacts or a home, as a quantity. */
export const diskOf = (parent: Parent, config: Config): string =>
  gibibytes(wanted(parent, config).disk)

/**
 * The size of a copy on the node's disk: what the object requests, else that of the artifacts, if known.
 * Undefined where the nodes do not count it.
 */
export function roomFor(
  { ephemeralStorage }: Config,
  disk: number | string | undefined,
  bytes?: number,
): string | undefined {
  if (ephemeralStorage === 'Ignore') return undefined
  if (disk !== undefined) return gibibytes(disk)
  return bytes === undefined ? undefined : gibibytes(`${Math.ceil(bytes / 2 ** 20)}Mi`)
}

/**
 * What our own small containers request, and the space on the node's disk if they write a copy there. Their
 * limits are higher than their requests, because they may need more for a while.
 */
export function toolResources(config: Config, room?: string) {
  const limits = limitsFor({ cpu: '2', memory: '2Gi' }, config)
  return {
    requests: { cpu: '100m', memory: '128Mi', ...(room && { 'ephemeral-storage': room }) },
    ...(Object.keys(limits).length && { limits }),
  }
}

/** The limits that the configuration asks for. */
export const limitsFor = (
  { cpu, memory }: { readonly cpu: string; readonly memory: string },
  { limits }: Config,
) => ({ ...(limits === 'All' && { cpu }), ...(limits !== 'None' && { memory }) })
