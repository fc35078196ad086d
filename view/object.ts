import type { Kind, Parent } from '../crds/kind.ts'
import { kindNamed } from '../crds/kinds.ts'
import { namesIn, namingFields } from '../crds/references.ts'
import type { Artifacts, Condition, StageRecord } from '../crds/status.ts'

/** An object of one of the four kinds as the API server shows it. Its texts are not safe for a terminal. */
export type Shown = Omit<Parent<Spec, Status>, 'metadata'> & {
  readonly metadata: Parent['metadata'] & { readonly creationTimestamp?: string }
}

interface Spec {
  readonly source?: string
  readonly image?: string
  readonly suspend?: boolean
  readonly replicas?: number
  readonly build?: { readonly git?: { readonly url?: string; readonly path?: string } }
}

interface Status {
  readonly conditions?: readonly Condition[]
  readonly stages?: Readonly<Record<string, StageRecord>>
  readonly artifacts?: Artifacts
  readonly image?: string
}

export const conditionIn = ({ status }: Shown, type: Condition['type']): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type)

export const namespaceIn = ({ metadata }: Pick<Shown, 'metadata'>): string =>
  metadata.namespace ?? 'default'

/** `Model "falcon"` */
export const titleOf = ({ kind, metadata }: Pick<Shown, 'kind' | 'metadata'>): string =>
  `${kind} "${metadata.name}"`

/** An object that the spec of another one names. */
export interface Named {
  readonly role: string
  readonly kind: Kind
  readonly name: string
}

/** What a spec refers to, in its own namespace. */
export const referencesIn = ({ kind, spec }: Shown): readonly Named[] =>
  namingFields(kindNamed(kind)).flatMap(({ role, field, kind: referenced }) =>
    namesIn((spec as Readonly<Record<string, unknown>> | undefined)?.[field]).map((name) => ({
      role,
      kind: kindNamed(referenced),
      name,
    })),
  )

/** Where the content of an object comes from, beside other objects: a source, Git, a given image. */
export const originsIn = ({ spec }: Shown): readonly string[] => {
  const { source, image, build } = spec ?? {}
  const { url, path } = build?.git ?? {}
  return [source, url && `${url}${path ? ` (${path})` : ''}`, image].flatMap((one) => one || [])
}
