import { builder, builderDefaults, git } from './config/builds.ts'
import { gpuDefaults, gpus, profileFaults } from './config/gpuprofiles.ts'
import { type Overlaid, overlay } from './config/overlay.ts'
import { podFieldDefaults, podFields, pods } from './config/pods.ts'
import { serverDefaults, servers } from './config/presets.ts'
import { type References, referenceDefaults, references } from './config/references.ts'
import {
  type Images,
  imageDefaults,
  images,
  imagesOf,
  imageVolumes,
  packaging,
  packagingDefaults,
  registry,
} from './config/registries.ts'
import { rollout, rolloutRevision } from './config/rollouts.ts'
import { storage, storageDefaults, storageFaults } from './config/stores.ts'
import {
  ephemeralStorage,
  limits,
  podSecurity,
  queues,
  resourceDefaults,
  resources,
  serviceAccounts,
  userNamespaces,
} from './config/workloads.ts'
import { podsFaults } from './rules/pods.ts'
import { sizeFaults } from './rules/size.ts'
import { object, type TypeOf } from './schema/builders.ts'
import { isObject } from './schema/json.ts'
import { type FieldError, validator } from './schema/validator.ts'

/**
 * The administrator's configuration: one file, with the same fields as the chart's values. Fields that
 * are left out have their defaults.
 */

export const configSchema = object('The configuration.', {
  registry,
  images,
  packaging,
  imageVolumes,
  storage,
  gpus,
  servers,
  rollout,
  rolloutRevision,
  references,
  podSecurity,
  userNamespaces,
  limits,
  ephemeralStorage,
  resources,
  serviceAccounts,
  queues,
  pods,
  podFields,
  builder,
  git,
})
export type ConfigFile = TypeOf<typeof configSchema>

/** The values of the fields that a file leaves out. */
export const defaults = {
  registry: {},
  images: imageDefaults,
  packaging: packagingDefaults,
  imageVolumes: 'Auto',
  storage: storageDefaults,
  gpus: gpuDefaults,
  servers: serverDefaults,
  rollout: 'OnRequest',
  references: referenceDefaults,
  podSecurity: 'baseline',
  userNamespaces: false,
  limits: 'None',
  ephemeralStorage: 'Request',
  resources: resourceDefaults,
  serviceAccounts: {},
  queues: {},
  pods: {},
  podFields: podFieldDefaults,
  builder: builderDefaults,
  git: {},
} as const satisfies ConfigFile

/** A file merged with the defaults: fields that have a default are always set. */
export type Config = Omit<Overlaid<ConfigFile, typeof defaults>, 'references' | 'images'> & {
  readonly references: References
  readonly images: Images
}
export type ServerPreset = Config['servers']['presets'][string]

export const defaultConfig: Config = { ...defaults, images: imagesOf(defaults.images) }

const check = validator(configSchema)

/** Parsed YAML or JSON → the configuration, or its errors by path. */
export function configOf(
  file: unknown,
): { readonly config: Config } | { readonly errors: readonly FieldError[] } {
  const errors = check(file ?? {})
  if (errors.length) return { errors }
  const merged = overlay(configSchema, defaults, spelledOut(file ?? {})) as Config
  const config: Config = { ...merged, images: imagesOf(merged.images) }
  const faults = [
    ...storageFaults(config.storage),
    ...unknownDefault('gpus.default', config.gpus.default, config.gpus.profiles),
    ...unknownDefault('servers.default', config.servers.default, config.servers.presets),
    ...profileFaults(config.gpus.profiles),
    ...podsFaults(config),
    ...sizeFaults(config),
  ]
  return faults.length ? { errors: faults } : { config }
}

/** `references: Warn` is short for `references: {missing: Warn}`. */
const spelledOut = (file: object): object =>
  'references' in file && !isObject(file.references)
    ? { ...file, references: { missing: file.references } }
    : file

/** A default must be the name of an existing entry. */
const unknownDefault = (field: string, name: string, among: object): readonly FieldError[] =>
  Object.hasOwn(among, name)
    ? []
    : [{ field, message: `Unsupported value: "${name}": supported values: ${listed(among)}` }]

const listed = (map: object): string =>
  Object.keys(map)
    .map((name) => `"${name}"`)
    .join(', ')
