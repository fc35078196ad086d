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
  const limits = {
    ...(config.limits === 'All' && { cpu: requests.cpu }),
    ...(config.limits !== 'None' && { memory: requests.memory }),
    ...gpu.limits,
  }
  return {
    requests: { ...requests, ...gpu.limits },
    ...(Object.keys(limits).length && { limits }),
    ...(gpu.devices && { claims: [{ name: 'gpu' }] }),
  }
}

/** The size of the volume for artifacts or a home, as a quantity. */
export const diskOf = (parent: Parent, config: Config): string =>
  gibibytes(wanted(parent, config).disk)

/** The requests of our own small containers. */
export const toolResources = { requests: { cpu: '100m', memory: '128Mi' } }
