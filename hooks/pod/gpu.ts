import type { Resources } from '../../crds/common.ts'
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

/** A count alone means the default profile; a count of 0 means no GPU. */
export function gpuOf(resources: Resources | undefined, config: Config): Gpu {
  const { type, count = type ? 1 : 0 } = resources?.gpu ?? {}
  const profile = config.gpus.profiles[type ?? config.gpus.default]
  if (count === 0 || !profile) return none
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
