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
 * Requests only: a limit on memory kills, one on CPU slows. GPUs are limits, for Kubernetes knows
 * no other way to ask for them, or claimed from a class of devices.
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

/** Room for artifacts or a home, as a quantity. */
export const diskOf = (parent: Parent, config: Config): string =>
  gibibytes(wanted(parent, config).disk)

/** Our own small containers ask for little. */
export const toolResources = { requests: { cpu: '100m', memory: '128Mi' } }
