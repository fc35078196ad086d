import type { Resources } from '../../crds/common.ts'
import { gpuProfileOf } from '../../crds/config/gpuprofiles.ts'
import type { Config } from '../../crds/config.ts'
import type { Devices } from '../children/deviceclaim.ts'
import type { PodSpec } from '../children/manifesttypes.ts'

/** What GPUs add to a Pod and to its container; empty objects without one. */
export interface Gpu {
  readonly count: number
  readonly limits: Readonly<Record<string, string>>
  readonly pod: Pick<PodSpec, 'nodeSelector' | 'tolerations' | 'runtimeClassName'>
  /** The devices to claim, if the profile names a DeviceClass. */
  readonly devices?: Devices
}

const none: Gpu = { count: 0, limits: {}, pod: {} }

export function gpuOf(resources: Resources | undefined, config: Config): Gpu {
  const gpu = gpuProfileOf(resources, config)
  if (!gpu) return none
  const { count, profile } = gpu
  const { resourceName, deviceClassName } = profile
  return {
    count,
    limits: resourceName ? { [resourceName]: String(count) } : {},
    pod: {
      ...(hasEntries(profile.nodeSelector) && { nodeSelector: profile.nodeSelector }),
      ...(profile.tolerations?.length && { tolerations: profile.tolerations }),
      ...(profile.runtimeClassName && { runtimeClassName: profile.runtimeClassName }),
    },
    ...(deviceClassName && { devices: { deviceClassName, count } }),
  }
}

/** The API server drops an empty map, and Metacontroller would write it again for ever. */
const hasEntries = (map: Readonly<Record<string, string>> | undefined): boolean =>
  Object.keys(map ?? {}).length > 0
