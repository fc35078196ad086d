import { quoted } from '../quoted.ts'
import type { Rule } from '../rule.ts'
import { shortened } from '../schema/brevity.ts'

/** The schema allows any value in params, because no narrower type allows every scalar. */

type Params = Readonly<Record<string, unknown>>

const scalar = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value)

/** `learning-rate` → `PARAM_LEARNING_RATE`. */
export const paramVariable = (name: string): string =>
  `PARAM_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`

/** The first of the user's names, shortened: there may be many, and they may be long. */
const someOf = (names: readonly string[]): string => {
  const some = quoted(names.slice(0, mostNamed).map((name) => shortened(name)))
  return names.length > mostNamed ? `${some} and ${names.length - mostNamed} more` : some
}
const mostNamed = 10

const maxParamsBytes = 64 * 1024

/**
 * The params, or none if they are far too large or a value is not a scalar: a value may be nested so
 * deeply that JSON.stringify fails.
 */
export const sound = (params: Params = {}): Params =>
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

/** JSON.parse changes integers beyond this limit. */
const isChanged = (value: unknown): boolean =>
  Number.isInteger(value) && !Number.isSafeInteger(value)

export const paramRules: readonly Rule[] = [
  {
    field: 'spec.params',
    broken: ({ spec: { params } }) => Object.values(params ?? {}).some((value) => !scalar(value)),
    message: ({ spec: { params } }) =>
      `Invalid value: ${someOf(Object.keys(params ?? {}).filter((name) => !scalar(params?.[name])))} must be a string, a number or a boolean`,
  },
  {
    field: 'spec.params',
    broken: ({ spec: { params } }) => twins(params).length > 0,
    message: ({ spec: { params } }) =>
      `Invalid value: ${someOf(twins(params))} would be the same environment variable "${shortened(paramVariable(twins(params)[0] ?? ''))}"`,
  },
  {
    field: 'spec.params',
    broken: ({ spec: { params = {} } }) =>
      lengthOf(params) > maxParamsBytes ||
      Buffer.byteLength(JSON.stringify(sound(params))) > maxParamsBytes,
    message: () =>
      'Too long: may not be more than 64 KiB as JSON; put larger things into a Dataset',
  },
  {
    field: 'spec.params',
    broken: ({ spec: { params } }) => Object.values(params ?? {}).some(isChanged),
    message: ({ spec: { params } }) =>
      `Invalid value: ${someOf(Object.keys(params ?? {}).filter((name) => isChanged(params?.[name])))} is an integer beyond 2^53, which JSON changes: write it in quotes`,
  },
]
