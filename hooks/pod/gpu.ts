import type { Resources } from '../../crds/common.ts'
import type { Config } from '../../crds/config.ts'

/** What GPUs add to a Pod and to its container; empty objects without one. */
export interface Gpu {
  readonly count: number
  readonly limits: Readonly<Record<string, string>>
  readonly pod: Readonly<Record<string, unknown>>
}

const none: Gpu = { count: 0, limits: {}, pod: {} }

/** A count alone means the default profile; a count of 0 none at all. */
export function gpuOf(resources: Resources | undefined, config: Config): Gpu {
  const { type, count = type ? 1 : 0 } = resources?.gpu ?? {}
  const profile = config.gpus.profiles[type ?? config.gpus.default]
  if (count === 0 || !profile) return none
  return {
    count,
    limits: { [profile.resourceName]: String(count) },
    pod: {
      ...(hasEntries(profile.nodeSelector) && { nodeSelector: profile.nodeSelector }),
      ...(profile.tolerations?.length && { tolerations: profile.tolerations }),
      ...(profile.runtimeClassName && { runtimeClassName: profile.runtimeClassName }),
    },
  }
}

/** The API server drops an empty map, and Metacontroller would write it again for ever. */
const hasEntries = (map: Readonly<Record<string, string>> | undefined): boolean =>
  Object.keys(map ?? {}).length > 0
