import type { Build, Resources } from './common.ts'
import type { Config } from './config.ts'
import type { Parent } from './kind.ts'
import { shortened } from './schema/brevity.ts'
import { type FieldError, holdsIn } from './schema/validator.ts'
import { forbiddenSecrets, secretFields } from './secrets.ts'

/**
 * What the schema cannot say: rules that need the administrator's configuration, and rules on
 * params, whose values are open to every scalar. Admission and the hooks share them. A rule runs
 * only if the fields that it reads are valid by the schema, so it throws only because of our own bugs.
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

/** Some of the user's names: there may be many, and they may be long. */
const someOf = (names: readonly string[]): string => {
  const some = listed(names.slice(0, mostNamed).map((name) => shortened(name)))
  return names.length > mostNamed ? `${some} and ${names.length - mostNamed} more` : some
}
const mostNamed = 10

const scalar = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value)

/** `learning-rate` → `PARAM_LEARNING_RATE`. */
export const paramVariable = (name: string): string =>
  `PARAM_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`

type Params = Readonly<Record<string, unknown>>

/**
 * The params, or none if they are far too large or a value is not a scalar: a value may be nested so
 * deeply that JSON.stringify fails.
 */
const sound = (params: Params = {}): Params =>
  Object.values(params).every(scalar) && lengthOf(params) <= maxParamsBytes ? params : {}

/** A lower bound of their length as JSON. */
const lengthOf = (params: Params): number =>
  Object.entries(params).reduce(
    (sum, [name, value]) => sum + name.length + (typeof value === 'string' ? value.length : 0),
    0,
  )

const twins = (given?: Params): readonly string[] => {
  const params = sound(given)
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

/** Beyond the limit the exact size does not matter, and replacing in a huge text would take long. */
const jsonBytes = (value: unknown): number => {
  if (value === undefined) return 0
  const text = JSON.stringify(value)
  return Buffer.byteLength(
    text.length > maxCarriedBytes ? text : text.replaceAll(escaped, '\\u0000'),
  )
}

export const carriedBytes = ({ env, params, command, args }: AnySpec): number =>
  jsonBytes(env) +
  jsonBytes(command) +
  jsonBytes(args) +
  (params ? jsonBytes(sound(params)) + jsonBytes(JSON.stringify(sound(params))) : 0)

export const maxParamsBytes = 64 * 1024

export const rules: readonly Rule[] = [
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
      `Invalid value: ${someOf(Object.keys(params ?? {}).filter((name) => !scalar(params?.[name])))} must be a string, a number or a boolean`,
  },
  {
    field: 'spec.params',
    broken: ({ params }) => twins(params).length > 0,
    message: ({ params }) =>
      `Invalid value: ${someOf(twins(params))} would be the same environment variable "${shortened(paramVariable(twins(params)[0] ?? ''))}"`,
  },
  {
    field: 'spec.params',
    broken: ({ params = {} }) =>
      lengthOf(params) > maxParamsBytes ||
      Buffer.byteLength(JSON.stringify(sound(params))) > maxParamsBytes,
    message: () =>
      'Too long: may not be more than 64 KiB as JSON; put larger things into a Dataset',
  },
  {
    field: 'spec.params',
    broken: ({ params }) => Object.values(params ?? {}).some(isChanged),
    message: ({ params }) =>
      `Invalid value: ${someOf(Object.keys(params ?? {}).filter((name) => isChanged(params?.[name])))} is an integer beyond 2^53, which JSON changes: write it in quotes`,
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

/** All broken rules at once, except for fields that are already `wrong` by the schema. */
export function checkRules(
  parent: Parent,
  config: Config,
  wrong: readonly FieldError[],
): readonly FieldError[] {
  const spec = (parent.spec ?? {}) as AnySpec
  const holds = wrong.length ? holdsIn(wrong) : () => true
  return rules
    .filter(
      ({ field, reads = [field], broken }) => reads.every(holds) && broken(spec, config, parent),
    )
    .map(({ field, reads, message }) => ({
      field,
      message: message(spec, config),
      ...(reads && { reads }),
    }))
}
