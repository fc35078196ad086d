import type { Kind } from './kind.ts'
import { isObject } from './schema/json.ts'

/** A field of the spec that names other objects, as its kind declares it: `{name}`, or a list of them. */
export interface NamingField {
  readonly role: string
  readonly field: string
  readonly kind: 'Model' | 'Dataset'
}

/** Every such field of a kind. */
export const namingFields = ({
  references,
  referenceLists = [],
}: Pick<Kind, 'references' | 'referenceLists'>): readonly NamingField[] => [
  ...references,
  ...referenceLists.map(({ field, kind }) => ({ role: 'adapter', field, kind })),
]

/** The names in the value of such a field. Nobody has validated it: what is no name is left out. */
export const namesIn = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).flatMap((one: unknown) =>
    isObject(one) && typeof one.name === 'string' && one.name ? [one.name] : [],
  )

/** From a referenced object to the one that refers to it. */
interface Step {
  readonly from: string
  readonly to: string
}

/** The ids of all objects that lead to this one, and of all that follow from it, directly or not; both include its own. */
export const lineageOf = (id: string, steps: readonly Step[]) => ({
  before: reached(
    id,
    Map.groupBy(steps, ({ to }) => to),
    ({ from }) => from,
  ),
  after: reached(
    id,
    Map.groupBy(steps, ({ from }) => from),
    ({ to }) => to,
  ),
})

function reached(
  start: string,
  steps: ReadonlyMap<string, readonly Step[]>,
  far: (step: Step) => string,
): ReadonlySet<string> {
  const found = new Set([start])
  // The loop also visits what is added meanwhile; a cycle ends because a Set holds nothing twice.
  for (const one of found) for (const step of steps.get(one) ?? []) found.add(far(step))
  return found
}
