import type { Kind, Parent } from './kind.ts'
import type { Schema } from './schema.ts'

type Json = unknown

/**
 * The object with what a person should see filled in: the schema's own defaults, and a GPU count
 * beside a type. The webhook writes it as a patch and the hooks apply it again, so that the webhook
 * may be down without a difference. Resources per kind stay in the configuration.
 */
export function fill<P extends Pick<Parent, 'spec'>>(kind: Kind, parent: P): P {
  return { ...parent, spec: withGpuCount(withDefaults(kind.spec, parent.spec)) }
}

function withDefaults(schema: Schema, value: Json): Json {
  if (!isObject(value) || !schema.properties) return value
  const filled = Object.entries(schema.properties).flatMap(([name, field]): [string, Json][] => {
    const given = value[name] ?? field.default
    return given === undefined ? [] : [[name, withDefaults(field, given)]]
  })
  return { ...value, ...Object.fromEntries(filled) }
}

function withGpuCount(spec: Json): Json {
  if (!isObject(spec) || !isObject(spec.resources) || !isObject(spec.resources.gpu)) return spec
  const { gpu } = spec.resources
  if (gpu.type === undefined || gpu.count !== undefined) return spec
  return { ...spec, resources: { ...spec.resources, gpu: { ...gpu, count: 1 } } }
}

const isObject = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
