import type { Kind, Parent } from './kind.ts'
import { kinds } from './kinds.ts'
import type { Schema } from './schema/builders.ts'
import { isObject } from './schema/json.ts'

type Json = unknown
type Fill = (value: Json) => Json

/**
 * Fills in the defaults that a person should see: the schema's own, and a GPU count beside a type. The
 * webhook returns them as a patch and the hooks fill them in again, so it makes no difference if the
 * webhook is down. Default resources stay in the configuration.
 *
 * It returns the same object if nothing is missing.
 */
export function fill<P extends Pick<Parent, 'spec'>>(kind: Kind, parent: P): P {
  if (!isFillable(parent.spec)) return parent
  const defaulted = fills.get(kind)?.(parent.spec) ?? parent.spec
  const spec = withGpuCount(defaulted)
  return spec === parent.spec ? parent : { ...parent, spec }
}

/** Visits only fields that have a default or contain one: most schemas have none. */
function fillOf(schema: Schema): Fill | undefined {
  const fields = Object.entries(schema.properties ?? {})
    .map(([name, field]) => ({ name, standard: field.default, inside: fillOf(field) }))
    .filter(({ standard, inside }) => standard !== undefined || inside)
  if (!fields.length) return undefined
  return (value) => {
    if (!isObject(value)) return value
    const filled = fields.flatMap(({ name, standard, inside }): [string, Json][] => {
      const given = value[name] ?? standard
      const whole = given === undefined || !inside ? given : inside(given)
      return whole === undefined || whole === value[name] ? [] : [[name, whole]]
    })
    return filled.length ? { ...value, ...Object.fromEntries(filled) } : value
  }
}

const fills: ReadonlyMap<Kind, Fill | undefined> = new Map(
  kinds.map((kind) => [kind, fillOf(kind.spec)]),
)

function withGpuCount(spec: Json): Json {
  if (!isObject(spec) || !isObject(spec.resources) || !isObject(spec.resources.gpu)) return spec
  const { resources } = spec
  const { gpu } = spec.resources
  if (gpu.type === undefined || gpu.count !== undefined) return spec
  if (!isFillable(resources) || !isFillable(gpu)) return spec
  return { ...spec, resources: { ...resources, gpu: { ...gpu, count: 1 } } }
}

/** No kind has more fields. A larger object is refused anyway, so it is not copied. */
const mostFields = 1000

const isFillable = (value: Json): value is Readonly<Record<string, Json>> =>
  isObject(value) && Object.keys(value).length <= mostFields
