import { isReserved } from '../../crds/labels.ts'
import type { Rule, RuleInput } from '../../crds/rule.ts'
import { shortened } from '../../crds/schema/brevity.ts'

/** Warns about new or changed labels that are not passed on to the children. */
export const reservedRules: readonly Rule[] = [
  {
    field: 'metadata.labels',
    // Our schemas do not cover labels.
    reads: [],
    warns: () => true,
    broken: (input) => reservedLabels(input).length > 0,
    message: (input) =>
      `${someOf(reservedLabels(input))}: reserved for Kubernetes and this project, so not passed on to Jobs, Pods and other children: use a label of your own`,
  },
]

/** The API server truncates warnings that have more than 4 KiB in total. */
const mostNamed = 5

/** No object that a person writes has more labels; further ones are ignored. */
const maxLabels = 10_000

function reservedLabels({ object, oldObject }: RuleInput): readonly string[] {
  const before = oldObject?.metadata.labels ?? {}
  const now = object.metadata.labels ?? {}
  return namesIn(now)
    .filter((label) => isReserved(label) && before[label] !== now[label])
    .sort()
}

/** The names of each map of labels are listed once: of 7 MiB of labels that alone takes 50 ms. */
const listed = new WeakMap<object, readonly string[]>()

function namesIn(labels: object): readonly string[] {
  const names = listed.get(labels) ?? Object.keys(labels).slice(0, maxLabels)
  listed.set(labels, names)
  return names
}

const someOf = (labels: readonly string[]): string => {
  const named = labels.slice(0, mostNamed).map((label) => `"${shortened(label)}"`)
  const more = labels.length > mostNamed ? ` and ${labels.length - mostNamed} more` : ''
  return `${named.join(', ')}${more}`
}
