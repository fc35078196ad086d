import { unexpanded } from '../expansion.ts'
import type { AnySpec, Rule } from '../rule.ts'
import { sound } from './params.ts'

/**
 * The most bytes that a spec may add to a workload: variables, params.json, command and arguments,
 * and spec.pod.
 * Metacontroller records the whole child in one of its annotations, and Kubernetes allows 256 KiB of
 * annotations. That leaves 32 KiB for names, mounts and the rest of the Pod; no child has needed more
 * than 21 KiB of them (test/unit/hooks/largest.test.ts).
 */
export const maxCarriedBytes = 224 * 1024

/** Go's JSON encoder, which Metacontroller uses, writes these five characters as \uXXXX. */
const escaped = /[<>&\u2028\u2029]/g

/** Beyond the limit the exact size does not matter, and replacing in a huge text would take long. */
const jsonBytes = (value: unknown): number => {
  if (value === undefined) return 0
  const text = JSON.stringify(value)
  return Buffer.byteLength(
    text.length > maxCarriedBytes ? text : text.replaceAll(escaped, '\\u0000'),
  )
}

export const carriedBytes = ({ env, params, command, args, pod }: AnySpec): number =>
  jsonBytes(env) +
  jsonBytes(command) +
  jsonBytes(args) +
  jsonBytes(pod) +
  (params ? variablesBytes(sound(params)) + jsonBytes(JSON.stringify(sound(params))) : 0)

/** As variables, parameters are longer, because their dollars are doubled. */
const variablesBytes = (params: Readonly<Record<string, unknown>>): number =>
  jsonBytes(
    Object.fromEntries(
      Object.entries(params).map(([name, value]) => [
        name,
        typeof value === 'string' ? unexpanded(value) : value,
      ]),
    ),
  )

/** Whether annotations fit next to what the spec adds. They are on the workload and in its record. */
export const fitBeside = (spec: AnySpec, annotations: Readonly<Record<string, string>>): boolean =>
  carriedBytes(spec) + 2 * jsonBytes(annotations) <= maxCarriedBytes

export const sizeRules: readonly Rule[] = [
  {
    field: 'spec',
    reads: ['spec.env', 'spec.params', 'spec.command', 'spec.args', 'spec.pod'],
    broken: ({ spec }) => carriedBytes(spec) > maxCarriedBytes,
    message: ({ spec }) =>
      `Too long: env, params (which count twice), command, args and pod may be no more than ${maxCarriedBytes} bytes together as JSON, not ${carriedBytes(spec)}: put larger things into a Dataset or an image`,
  },
  {
    field: 'spec.build.args',
    broken: ({ spec: { build } }) => jsonBytes(build?.args) > maxCarriedBytes,
    message: ({ spec: { build } }) =>
      `Too long: may be no more than ${maxCarriedBytes} bytes together as JSON, not ${jsonBytes(build?.args)}: put larger things into the repository`,
  },
]
