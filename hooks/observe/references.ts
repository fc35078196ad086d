import type { Config } from '../../crds/config.ts'
import { apiVersion, type Kind, type Parent, type ReferenceField } from '../../crds/kind.ts'
import { kindNamed } from '../../crds/kinds.ts'
import type { ModelSpec } from '../../crds/model.ts'
import { namesIn, namingFields } from '../../crds/references.ts'
import type { Artifacts } from '../../crds/status.ts'
import { namespaceOf } from '../children/metadata.ts'
import { isOwnPlace } from '../storage/storage.ts'
import { memoryOf } from './memory.ts'
import type { Group, RelatedRule } from './protocol.ts'
import { trusted } from './trusted.ts'
import { no, type Verdict } from './verdict.ts'

/** What a field such as spec.model.name refers to. */
export type Reference =
  | { readonly state: 'none' }
  | {
      readonly state: 'ready'
      readonly field: ReferenceField
      readonly name: string
      readonly artifacts: Artifacts
    }
  | {
      readonly state: 'waiting'
      readonly field: ReferenceField
      readonly name: string
      readonly verdict: Verdict
    }

/** By the role that crds/ declares for the field. */
export type References = Readonly<Record<'base' | 'model' | 'data', Reference>>

/** A Model in spec.adapters, with the name of its base. */
export interface AdapterReference {
  readonly name: string
  readonly reference: Reference
  readonly base: string | undefined
}

const none: Reference = { state: 'none' }

const namesAt = ({ spec }: Parent, field: string): readonly string[] =>
  namesIn((spec as Readonly<Record<string, unknown>> | undefined)?.[field])

const nameIn = (parent: Parent, { field }: ReferenceField): string | undefined =>
  namesAt(parent, field)[0]

/**
 * What customize requests from Metacontroller: each referenced object, in the parent's namespace. One rule
 * for each kind, because the objects of a second one would replace those of the first.
 */
export function relatedRules(kind: Kind, parent: Parent): readonly RelatedRule[] {
  const fields = Map.groupBy(namingFields(kind), (field) => field.kind)
  return [...fields].flatMap(([of, all]) => {
    const names = [...new Set(all.flatMap(({ field }) => namesAt(parent, field)))]
    const { plural } = kindNamed(of)
    return names.length
      ? [{ apiVersion, resource: plural, namespace: namespaceOf(parent), names }]
      : []
  })
}

function find(related: Group, parent: Parent, kind: ReferenceField['kind'], name: string) {
  const object = related[`${kind}.${apiVersion}`]?.[`${namespaceOf(parent)}/${name}`]
  return object && trusted(kindNamed(kind), object as Parent)
}

/**
 * A reference is ready once its object has recorded a complete result, even while the object makes
 * the next one: the old result is used until the next is complete.
 */
export const referencesOf = (
  kind: Kind,
  parent: Parent,
  related: Group,
  config: Config,
): References => ({
  base: none,
  model: none,
  data: none,
  ...Object.fromEntries(
    kind.references.map((field) => [field.role, referenceOf(field, parent, related, config)]),
  ),
})

/** The Models in spec.adapters, for the kind that has such a field. */
export const adaptersOf = (
  kind: Kind,
  parent: Parent,
  related: Group,
  config: Config,
): readonly AdapterReference[] =>
  (kind.referenceLists ?? []).flatMap((list) =>
    namesAt(parent, list.field).map((name) => {
      const field = { role: 'adapter', field: 'model', kind: list.kind } as const
      const { model } = (find(related, parent, list.kind, name)?.spec ?? {}) as ModelSpec
      const reference = referenceTo(name, field, parent, related, config)
      return { name, reference, base: model?.name }
    }),
  )

const referenceOf = (
  field: ReferenceField,
  parent: Parent,
  related: Group,
  config: Config,
): Reference => {
  const name = nameIn(parent, field)
  return name ? referenceTo(name, field, parent, related, config) : none
}

function referenceTo(
  name: string,
  field: ReferenceField,
  parent: Parent,
  related: Group,
  config: Config,
): Reference {
  const waiting = (verdict: Verdict): Reference => ({ state: 'waiting', field, name, verdict })
  const object = find(related, parent, field.kind, name)
  if (!object)
    return waiting(
      no('ReferenceMissing', `${field.kind} "${name}" does not exist in this namespace`),
    )
  const bases = basesThrough(parent, field, object)
  if (parent.kind === 'Model' && field.kind === 'Model' && bases.includes(parent.metadata.name))
    return waiting(
      no(
        'ReferenceCycle',
        `the bases lead in a circle: ${[parent.metadata.name, ...bases].join(' → ')}`,
      ),
    )
  const { artifacts, conditions } = memoryOf(object)
  if (artifacts?.url && !isOwnPlace(object, artifacts.url, config))
    return waiting(
      no(
        'Waiting',
        `waiting for ${field.kind} "${name}": its status.artifacts.url is ${artifacts.url}, which is not its own location in the configured storage`,
      ),
    )
  if (artifacts?.id) return { state: 'ready', field, name, artifacts }
  const ready = conditions.find(({ type }) => type === 'Ready')
  return waiting(
    no('Waiting', `waiting for ${field.kind} "${name}": ${ready?.reason ?? 'not started yet'}`),
  )
}

/** The base, its base and so on, as the base's status lists them; cut where the parent itself appears. */
function basesThrough(parent: Parent, field: ReferenceField, object: Parent): readonly string[] {
  if (field.role !== 'base') return []
  const chain = [object.metadata.name, ...memoryOf(object).bases]
  const end = chain.indexOf(parent.metadata.name)
  return end < 0 ? chain.slice(0, 32) : chain.slice(0, end + 1)
}

/** The chain of bases that a Model records in its status, so that cycles of any length are detected. */
export function basesOf(kind: Kind, parent: Parent, related: Group): readonly string[] | undefined {
  const field = kind.references.find(({ role }) => role === 'base')
  const name = field && nameIn(parent, field)
  const object = field && name ? find(related, parent, field.kind, name) : undefined
  return field && object ? basesThrough(parent, field, object) : undefined
}
