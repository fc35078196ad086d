import { type Config, hasBuiltInProfiles } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { isReserved } from '../../crds/labels.ts'
import { shortened } from '../../crds/schema/brevity.ts'

interface Advice {
  /** The fields that it reads: they must be valid by the schema. */
  readonly reads: readonly string[]
  readonly given: (spec: AnySpec, config: Config, oldSpec: AnySpec | undefined) => boolean
  readonly warning: (spec: AnySpec, config: Config) => string
}

interface AnySpec {
  readonly image?: string
  readonly build?: unknown
  readonly resources?: { readonly gpu?: { readonly type?: string; readonly count?: number } }
}

/** What is admitted and should still be known. */
const advices: readonly Advice[] = [
  {
    reads: ['spec.image', 'spec.build'],
    given: ({ image, build }) => image !== undefined && build !== undefined,
    warning: () => 'spec.image: ignored, for spec.build is set and wins',
  },
  {
    reads: ['spec.resources.gpu'],
    given: ({ resources }, config, oldSpec) =>
      hasBuiltInProfiles(config) &&
      resources?.gpu?.type !== oldSpec?.resources?.gpu?.type &&
      Object.hasOwn(config.gpus.profiles, resources?.gpu?.type ?? '') &&
      resources?.gpu?.count !== 0,
    warning: ({ resources }, config) => {
      const type = resources?.gpu?.type ?? ''
      return `spec.resources.gpu.type: the administrator has set no GPU profiles: "${type}" takes any node with ${config.gpus.profiles[type]?.resourceName}`
    },
  },
]

export const warningsOf = (
  object: Parent,
  oldObject: Parent | undefined,
  config: Config,
  holds: (path: string) => boolean,
): readonly string[] => {
  const spec = (object.spec ?? {}) as AnySpec
  const oldSpec = oldObject?.spec as AnySpec | undefined
  return [
    ...advices
      .filter(({ reads, given }) => reads.every(holds) && given(spec, config, oldSpec))
      .map(({ warning }) => warning(spec, config)),
    ...reservedLabels(object, oldObject),
  ]
}

/** The API server truncates warnings that have more than 4 KiB in total. */
const mostNamed = 5

/** No object that a person writes has more labels: the others are not looked at. */
const mostLookedAt = 10_000

/** Warns about new or changed labels that are not passed on to the children. */
function reservedLabels(object: Parent, oldObject: Parent | undefined): readonly string[] {
  const before = oldObject?.metadata.labels ?? {}
  const now = object.metadata.labels ?? {}
  const labels = Object.keys(now)
    .slice(0, mostLookedAt)
    .filter((label) => isReserved(label) && before[label] !== now[label])
    .sort()
  if (!labels.length) return []
  const named = labels
    .slice(0, mostNamed)
    .map((label) => `"${shortened(label)}"`)
    .join(', ')
  const more = labels.length > mostNamed ? ` and ${labels.length - mostNamed} more` : ''
  return [
    `metadata.labels: ${named}${more}: reserved for Kubernetes and this project, so not passed on to Jobs, Pods and other children: use a label of your own`,
  ]
}
