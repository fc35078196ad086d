import { isReserved } from '../labels.ts'
import { cores, gibibytes, larger } from '../schema/quantity.ts'
import type { PodInput, PodRule } from './podrule.ts'
import { firstOf } from './podrule.ts'

/** spec.pod.container.resources.limits. */

/** Whether it is DOMAIN/NAME, or one of these without a domain; the API server refuses all others. */
const isNamed = (resource: string): boolean =>
  /^(cpu|memory|ephemeral-storage|hugepages-[1-9][0-9]*[KMG]i|[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)$/.test(
    resource,
  )

/** The devices of any DeviceClass can be requested as an extended resource. */
const deviceClasses = 'deviceclass.resource.kubernetes.io/'

/**
 * `nvidia.com/gpu`, `nvidia.com/gpumem`, `volcano.sh/vgpu-number`, `nvidia.com/mig-1g.5gb`,
 * `gpu.intel.com/i915`, devices of a DeviceClass, and what the profiles name.
 */
const isGpu = (resource: string, { config }: PodInput): boolean =>
  /(^|[./])gpu[./-]|\/(v?gpu|mig-)/.test(resource) ||
  resource.startsWith(deviceClasses) ||
  Object.values(config.gpus.profiles).some(({ resourceName }) => resourceName === resource)

/** What the container requests; undefined for the Pods of a kind, each of which may request another. */
function requested({ of, spec, config }: PodInput): Readonly<Record<string, string>> {
  if (of === 'builder')
    return { cpu: cores(config.builder.cpu), memory: gibibytes(config.builder.memory) }
  if (!spec) return {}
  const { cpu = 2, memory = 10 } = { ...config.resources[of], ...spec.resources }
  return { cpu: cores(cpu), memory: gibibytes(memory) }
}

/** Whether the configuration sets the limit of this resource to what is requested. */
const isSet = (resource: string, { of, config }: PodInput): boolean =>
  of !== 'builder' &&
  (resource === 'cpu' ? config.limits === 'All' : resource === 'memory' && config.limits !== 'None')

function faultOf(resource: string, limit: string, input: PodInput): string | undefined {
  const request = requested(input)[resource]
  const bytes = resource === 'memory' && !/[a-zA-Z]/.test(limit)
  if (request === undefined || limit === request) return undefined
  if (isSet(resource, input))
    return `Invalid value: ${resource}: "${limit}" conflicts with "${request}", which is requested and also the limit (limits: ${input.config.limits})`
  return larger(limit, request) === limit
    ? undefined
    : `Invalid value: ${resource}: "${limit}" is less than "${request}", which is requested${bytes ? `: "${limit}" is in bytes, write "${limit}Gi" for gibibytes` : ''}`
}

const field = 'container.resources.limits'

export const limitRules: readonly PodRule[] = [
  {
    field,
    fault: (input) =>
      firstOf(Object.entries(input.own.container?.resources?.limits ?? {}), ([resource, limit]) => {
        if (isGpu(resource, input))
          return `Forbidden: "${resource}": spec.resources.gpu requests GPUs`
        if (!isNamed(resource) || isReserved(resource) || resource.startsWith('requests.'))
          return `Invalid value: "${resource.slice(0, 100)}": must be cpu, memory, ephemeral-storage, hugepages-SIZE or DOMAIN/NAME`
        return resource.includes('/') && !/^[0-9]+$/.test(String(limit))
          ? `Invalid value: ${resource}: "${limit}" must be an integer`
          : undefined
      }),
  },
  {
    field,
    reads: ['spec.resources'],
    fault: (input) =>
      firstOf(Object.entries(input.pod.container?.resources?.limits ?? {}), ([resource, limit]) =>
        faultOf(resource, cores(limit), input),
      ),
  },
]
