import { choice, list, map, object, string, type TypeOf } from '../schema/builders.ts'
import type { FieldError } from '../schema/validator.ts'

const toleration = object('As in a Pod.', {
  // The API server drops an empty key or value, and Metacontroller would write it again for ever.
  key: string('Key.', { minLength: 1 }),
  operator: choice('Operator.', ['Exists', 'Equal']),
  value: string('Value; leave it out where it would be empty.', { minLength: 1 }),
  effect: choice('Effect.', ['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
})

const profile = object(
  'What a GPU type means on this cluster: an extended resource, or a class of devices that are claimed.',
  {
    resourceName: string('The extended resource, for instance nvidia.com/gpu.'),
    deviceClassName: string(
      'The DeviceClass, for instance gpu.nvidia.com, where GPUs are allocated dynamically (DRA).',
    ),
    nodeSelector: map('Labels of the nodes that have it.', string('Value.')),
    tolerations: list('Taints to tolerate.', toleration),
    runtimeClassName: string('The RuntimeClass, where the cluster needs one.'),
  },
)
type GpuProfile = TypeOf<typeof profile>

export const gpus = object('GPU profiles.', {
  default: string('The profile for a count without a type.'),
  profiles: map('Profiles by name; if set, they replace the built-in ones.', profile),
})

const nvidia: GpuProfile = { resourceName: 'nvidia.com/gpu' }

/** The names of Substratus' last release and their successors. Each selects any node with an NVIDIA GPU. */
const builtInProfiles: Readonly<Record<string, GpuProfile>> = {
  'nvidia-t4': nvidia,
  'nvidia-l4': nvidia,
  'nvidia-a100': nvidia,
  'nvidia-a100-80gb': nvidia,
  'nvidia-h100': nvidia,
  'nvidia-h200': nvidia,
}

export const gpuDefaults = { default: 'nvidia-l4', profiles: builtInProfiles } satisfies TypeOf<
  typeof gpus
>

type Profiles = Readonly<Record<string, GpuProfile>>

interface Offer {
  readonly gpus: { readonly default: string; readonly profiles: Profiles }
}

/** The GPUs that are requested: a count alone means the default profile; a count of 0 means no GPU. */
export function gpuProfileOf(
  resources: { readonly gpu?: { readonly type?: string; readonly count?: number } } | undefined,
  { gpus }: Offer,
) {
  const { type, count = type ? 1 : 0 } = resources?.gpu ?? {}
  const name = type ?? gpus.default
  const profile = Object.hasOwn(gpus.profiles, name) ? gpus.profiles[name] : undefined
  return count === 0 || !profile ? undefined : { name, count, profile }
}

/** Whether the administrator has configured no GPUs, so that a type does not select nodes. */
export const hasBuiltInProfiles = (config: {
  readonly gpus: { readonly profiles: Profiles }
}): boolean => config.gpus.profiles === builtInProfiles

export const profileFaults = (profiles: Profiles): readonly FieldError[] =>
  Object.entries(profiles)
    .filter(
      ([, { resourceName, deviceClassName }]) => Boolean(resourceName) === Boolean(deviceClassName),
    )
    .map(([name]) => ({
      field: `gpus.profiles.${name}`,
      message: 'Invalid value: set either resourceName or deviceClassName',
    }))
