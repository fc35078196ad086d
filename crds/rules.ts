import type { Build, Resources } from './common.ts'
import type { Config } from './config.ts'
import type { Parent } from './kind.ts'
import { forbiddenSecrets, secretFields } from './secrets.ts'
import type { FieldError } from './validate.ts'

/**
 * What the schema cannot say: rules that need the administrator's configuration, and rules on
 * params, whose values are open to every scalar. Admission and the hooks share them.
 */
export interface Rule {
  readonly field: string
  /** What it looks at, where that is more than the field. */
  readonly reads?: readonly string[]
  readonly broken: (spec: AnySpec, config: Config, parent: Parent) => boolean
  readonly message: (spec: AnySpec, config: Config) => string
}

/** The fields of all kinds, each optional. */
interface AnySpec {
  readonly build?: Build
  readonly resources?: Resources
  readonly params?: Readonly<Record<string, unknown>>
  readonly env?: unknown
  readonly command?: unknown
  readonly args?: unknown
  readonly runtime?: string
  readonly source?: string
  readonly package?: string
  readonly replicas?: number
}

const listed = (names: readonly string[]): string =>
  [...names]
    .sort()
    .map((name) => `"${name}"`)
    .join(', ')

const scalar = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value)

/** `learning-rate` → `PARAM_LEARNING_RATE`. */
export const paramVariable = (name: string): string =>
  `PARAM_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`

const twins = (params: Readonly<Record<string, unknown>> = {}): readonly string[] => {
  const names = Map.groupBy(Object.keys(params), paramVariable)
  return [...names.values()].filter(({ length }) => length > 1).flat()
}

/** JSON reads integers up to here as they are written; beyond, into another number. */
const isChanged = (value: unknown): boolean =>
  Number.isInteger(value) && !Number.isSafeInteger(value)

/**
 * What a workload carries of a spec: variables, params.json beside them, command and arguments.
 * Metacontroller keeps the whole child in an annotation of it, and Kubernetes allows 256 KiB of
 * annotations. Beside these bytes there are names, mounts and the rest of the Pod: 32 KiB are left
 * for them, of which no child took more than 21 KiB (test/unit/hooks/largest.test.ts).
 */
export const maxCarriedBytes = 224 * 1024

/** Metacontroller, as all of Go, writes five characters as \uXXXX. */
const escaped = /[<>&\u2028\u2029]/g

const jsonBytes = (value: unknown): number =>
  value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value).replaceAll(escaped, '\\u0000'))

export const carriedBytes = ({ env, params, command, args }: AnySpec): number =>
  jsonBytes(env) +
  jsonBytes(command) +
  jsonBytes(args) +
  (params ? jsonBytes(params) + jsonBytes(JSON.stringify(params)) : 0)

export const maxParamsBytes = 64 * 1024

const rules: readonly Rule[] = [
  {
    field: 'spec.resources.gpu.type',
    broken: ({ resources }, { gpus }) =>
      resources?.gpu?.type !== undefined && !Object.hasOwn(gpus.profiles, resources.gpu.type),
    message: ({ resources }, { gpus }) =>
      `Unsupported value: "${resources?.gpu?.type}": supported values: ${listed(Object.keys(gpus.profiles))}`,
  },
  {
    field: 'spec.runtime',
    broken: ({ runtime }, { servers }) =>
      runtime !== undefined && !Object.hasOwn(servers.presets, runtime),
    message: ({ runtime }, { servers }) =>
      `Unsupported value: "${runtime}": supported values: ${listed(Object.keys(servers.presets))}`,
  },
  {
    field: 'spec.build.git.url',
    broken: ({ build }, { git }) =>
      Boolean(build?.git?.url?.startsWith('http://')) && !git.allowHttp,
    message: () =>
      'Invalid value: plain http:// is not cloned on this cluster: use https:// or ssh://, or ask the administrator for git.allowHttp',
  },
  {
    field: 'spec.source',
    broken: ({ source }, { git }) => Boolean(source?.startsWith('http://')) && !git.allowHttp,
    message: () =>
      'Invalid value: plain http:// is not loaded on this cluster: use https://, or ask the administrator for git.allowHttp',
  },
  {
    field: 'spec.build',
    broken: ({ build }, { registry }) => build !== undefined && !registry.prefix,
    message: () =>
      'Forbidden: nothing can be built here: the administrator has set no registry.prefix to push to; use image',
  },
  {
    field: 'spec.package',
    broken: (spec, { registry }) => spec.package === 'Always' && !registry.prefix,
    message: () =>
      'Invalid value: "Always": the administrator has set no registry.prefix to push to: use Auto or Never',
  },
  {
    field: 'spec.params',
    broken: ({ params }) => Object.values(params ?? {}).some((value) => !scalar(value)),
    message: ({ params }) =>
      `Invalid value: ${listed(Object.keys(params ?? {}).filter((name) => !scalar(params?.[name])))} must be a string, a number or a boolean`,
  },
  {
    field: 'spec.params',
    broken: ({ params }) => twins(params).length > 0,
    message: ({ params }) =>
      `Invalid value: ${listed(twins(params))} would be the same environment variable "${paramVariable(twins(params)[0] ?? '')}"`,
  },
  {
    field: 'spec.params',
    broken: ({ params }) =>
      params !== undefined && Buffer.byteLength(JSON.stringify(params)) > maxParamsBytes,
    message: () =>
      'Too long: may not be more than 64 KiB as JSON; put larger things into a Dataset',
  },
  {
    field: 'spec.params',
    broken: ({ params }) => Object.values(params ?? {}).some(isChanged),
    message: ({ params }) =>
      `Invalid value: ${listed(Object.keys(params ?? {}).filter((name) => isChanged(params?.[name])))} is an integer beyond 2^53, which JSON changes: write it in quotes`,
  },
  {
    field: 'spec',
    reads: ['spec.env', 'spec.params', 'spec.command', 'spec.args'],
    broken: (spec) => carriedBytes(spec) > maxCarriedBytes,
    message: (spec) =>
      `Too long: env, params (which count twice), command and args may be no more than ${maxCarriedBytes} bytes together as JSON, not ${carriedBytes(spec)}: put larger things into a Dataset or an image`,
  },
  {
    field: 'spec.build.args',
    broken: ({ build }) => jsonBytes(build?.args) > maxCarriedBytes,
    message: ({ build }) =>
      `Too long: may be no more than ${maxCarriedBytes} bytes together as JSON, not ${jsonBytes(build?.args)}: put larger things into the repository`,
  },
  ...Object.entries(secretFields).map(
    ([field, named]): Rule => ({
      field,
      broken: (spec, config) => forbiddenSecrets(named(spec), config) !== undefined,
      message: (spec, config) => forbiddenSecrets(named(spec), config) ?? '',
    }),
  ),
]

/** All broken rules at once; a spec of the wrong shape is the schema's business and breaks none here. */
export const checkRules = (parent: Parent, config: Config): readonly FieldError[] =>
  rules
    .filter(({ broken }) => {
      try {
        return broken((parent.spec ?? {}) as AnySpec, config, parent)
      } catch {
        return false
      }
    })
    .map(({ field, reads, message }) => ({
      field,
      message: message(parent.spec as AnySpec, config),
      ...(reads && { reads }),
    }))
