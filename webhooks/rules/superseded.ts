import type { Parent } from '../../crds/kind.ts'
import { kindOf } from '../../crds/kinds.ts'
import { alike } from '../../crds/names.ts'
import { type Rule, specOf } from '../../crds/rule.ts'
import { isObject } from '../../crds/schema/json.ts'

/** Warns, while the current result still exists, that a changed spec replaces it. */
export const supersededRules: readonly Rule[] = [
  {
    field: 'spec',
    reads: [],
    warns: () => true,
    broken: ({ object, oldObject, config }) =>
      config.storage.keepResults === 1 &&
      Boolean(oldObject) &&
      hasResult(oldObject as Parent) &&
      !alike(inputsOf(object), inputsOf(oldObject as Parent)),
    message: () =>
      'the current result is no longer recorded once the new one is complete, so changing the spec back makes it again: storage.keepResults in the configuration is 1',
  },
]

/** The fields that a result depends on; another release may hash them differently, so the fields are compared. */
function inputsOf(object: Parent): object {
  const { hashed = {} } = kindOf(object.kind) ?? {}
  const spec = specOf(object) as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    Object.keys(hashed)
      .filter((field) => hashed[field] === 'inputs')
      .map((field) => [field, spec[field]]),
  )
}

/** Whether the object is done, with a result in storage. */
function hasResult({ status }: Parent): boolean {
  const { ready, stages } = (status ?? {}) as {
    readonly ready?: unknown
    readonly stages?: unknown
  }
  return ready === true && isObject(stages) && Boolean(stages.run ?? stages.load)
}
