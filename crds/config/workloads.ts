import type { Kind, KindName, Requests } from '../kind.ts'
import { kinds } from '../kinds.ts'
import { boolean, choice, object, string, type TypeOf } from '../schema/builders.ts'
import { cores, size } from './sizes.ts'

/** Settings of all Pods. */

export const podSecurity = choice('The Pod Security level that all Pods but the builder’s meet.', [
  'baseline',
  'restricted',
])

export const userNamespaces = boolean('Run Pods in user namespaces (hostUsers: false).')

export const limits = choice('Which requests are limits too, beside GPUs.', [
  'None',
  'Memory',
  'All',
])

export const queues = object('Kueue queues.', {
  tools: string(
    'The LocalQueue for the Jobs that seal and package the results of objects in a queue; it must exist in their namespaces. These Jobs request no GPU, and would otherwise wait behind those that do. Default: the object’s own queue.',
    { maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' },
  ),
})

export const ephemeralStorage = choice(
  'Whether containers that write a copy to the node’s disk request ephemeral-storage for it. Ignore is for nodes whose kubelets do not count it (localStorageCapacityIsolation: false): none would take such a Pod.',
  ['Request', 'Ignore'],
)

const perKind = object('Default requests of a kind.', {
  cpu: cores('Cores.'),
  memory: size('Memory; an integer is gibibytes.'),
  disk: size('Disk; an integer is gibibytes.'),
})

/** A value for each kind, by its name. */
export const ofEach = <T>(value: (kind: Kind) => T) =>
  Object.fromEntries(kinds.map((kind) => [kind.kind, value(kind)])) as Readonly<Record<KindName, T>>

export const resources = object(
  'Default requests.',
  ofEach(() => perKind),
)

export const resourceDefaults = ofEach<Pick<Requests, 'cpu' | 'memory'>>(
  ({ requests }) => requests,
) satisfies TypeOf<typeof resources>

export const serviceAccounts = object(
  'ServiceAccounts of the Pods.',
  ofEach(({ kind }) => string(`Of ${kind}s.`)),
)
