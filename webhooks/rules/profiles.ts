import { hasBuiltInProfiles } from '../../crds/config/gpuprofiles.ts'
import type { Parent } from '../../crds/kind.ts'
import { type Rule, specOf } from '../../crds/rule.ts'

export const profileRules: readonly Rule[] = [
  {
    field: 'spec.resources.gpu.type',
    reads: ['spec.resources.gpu'],
    warns: () => true,
    broken: ({ object, oldObject, spec: { resources }, config }) =>
      hasBuiltInProfiles(config) &&
      typeIn(object) !== typeIn(oldObject) &&
      Object.hasOwn(config.gpus.profiles, typeIn(object) ?? '') &&
      resources?.gpu?.count !== 0,
    message: ({ object, config }) => {
      const type = typeIn(object) ?? ''
      return `the administrator has set no GPU profiles: "${type}" takes any node with ${config.gpus.profiles[type]?.resourceName}; the presets in helm/presets have profiles`
    },
  },
]

const typeIn = (object: Parent | null | undefined): string | undefined =>
  object ? specOf(object).resources?.gpu?.type : undefined
