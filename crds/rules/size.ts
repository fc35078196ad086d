import type { AnySpec, Rule } from '../rule.ts'
import { sound } from './params.ts'

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

export const sizeRules: readonly Rule[] = [
  {
    field: 'spec',
    reads: ['spec.env', 'spec.params', 'spec.command', 'spec.args'],
    broken: ({ spec }) => carriedBytes(spec) > maxCarriedBytes,
    message: ({ spec }) =>
      `Too long: env, params (which count twice), command and args may be no more than ${maxCarriedBytes} bytes together as JSON, not ${carriedBytes(spec)}: put larger things into a Dataset or an image`,
  },
  {
    field: 'spec.build.args',
    broken: ({ spec: { build } }) => jsonBytes(build?.args) > maxCarriedBytes,
    message: ({ spec: { build } }) =>
      `Too long: may be no more than ${maxCarriedBytes} bytes together as JSON, not ${jsonBytes(build?.args)}: put larger things into the repository`,
  },
]
