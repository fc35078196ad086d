import type { Config } from '../config.ts'
import { unexpanded } from '../expansion.ts'
import { networkIn } from '../networkvariables.ts'
import { mergedPods } from '../podmerge.ts'
import type { PodFields } from '../podtemplate.ts'
import type { AnySpec, Rule, RuleInput } from '../rule.ts'
import type { FieldError } from '../schema/validator.ts'
import { sound } from './params.ts'

/**
 * The most bytes that a spec may add to a workload: variables, params.json, command and arguments,
 * and spec.pod.
 * Metacontroller records the whole child in one of its annotations, and Kubernetes allows 256 KiB of
 * annotations. That leaves 32 KiB for names, mounts and the rest of the Pod; no child has needed more
 * than 21 KiB of them (test/unit/hooks/largest.test.ts).
 */
export const maxCarriedBytes = 224 * 1024

/** The most bytes that the configuration may add to the Pods of one kind, or of the builder. */
const maxConfiguredBytes = 32 * 1024

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

/** `below` is what the configuration says about the Pods of the kind. */
export const carriedBytes = (
  { env, params, command, args, pod }: AnySpec,
  below?: PodFields,
): number =>
  jsonBytes(env) +
  jsonBytes(command) +
  jsonBytes(args) +
  jsonBytes(below || pod ? mergedPods(below, pod) : undefined) +
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

/**
 * Whether annotations fit next to what the spec and the configuration add. They are on the workload and
 * in its record.
 */
export const fitBeside = (spec: AnySpec, annotations: Readonly<Record<string, string>>): boolean =>
  carriedBytes(spec) + maxConfiguredBytes + 2 * jsonBytes(annotations) <= maxCarriedBytes

const carriedBy = ({ object: { kind }, spec, config }: RuleInput): number =>
  carriedBytes(spec, config.pods[kind])

/** What the Pod of a build carries: the networks of its clone, of the steps and of the builder. */
const carriedByBuild = ({ spec: { build, env, pod }, config: { pods, builder, git } }: RuleInput) =>
  jsonBytes(build?.args) +
  jsonBytes(networkIn({ ...builder.env, ...env })) +
  jsonBytes(networkIn(env)) +
  jsonBytes(builder.env) +
  jsonBytes([git.caBundle, git.knownHosts]) +
  jsonBytes([pods.builder, pod?.annotations])

export const sizeRules: readonly Rule[] = [
  {
    field: 'spec',
    reads: ['spec.env', 'spec.params', 'spec.command', 'spec.args', 'spec.pod'],
    broken: (input) => carriedBy(input) > maxCarriedBytes,
    message: (input) =>
      `Too long: env, params (which count twice), command, args and pod may be no more than ${maxCarriedBytes} bytes together as JSON, with what the configuration adds, not ${carriedBy(input)}: put larger things into a Dataset or an image`,
  },
  {
    field: 'spec.build.args',
    reads: ['spec.build', 'spec.env', 'spec.pod'],
    brokenBy: ['spec.build.args', 'spec.env', 'spec.pod'],
    broken: (input) => input.spec.build !== undefined && carriedByBuild(input) > maxCarriedBytes,
    message: (input) =>
      `Too long: may be no more than ${maxCarriedBytes} bytes together as JSON, with proxies, CAs and what the configuration adds, not ${carriedByBuild(input)}: put larger things into the repository`,
  },
]

/** What is too large in the configuration, because Pods carry it. */
export const sizeFaults = ({ pods, builder }: Config): readonly FieldError[] =>
  Object.entries({
    ...Object.fromEntries(Object.entries(pods).map(([of, pod]) => [`pods.${of}`, pod])),
    'builder.env': builder.env,
  }).flatMap(([field, value]) =>
    jsonBytes(value) > maxConfiguredBytes
      ? [
          {
            field,
            message: `Too long: may be no more than ${maxConfiguredBytes} bytes as JSON, not ${jsonBytes(value)}`,
          },
        ]
      : [],
  )
