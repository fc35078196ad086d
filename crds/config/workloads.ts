import { boolean, choice, object, string, type TypeOf } from '../schema/builders.ts'
import { cores, size } from './sizes.ts'

/** What all Pods get. */

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

const perKind = object('Default requests of a kind.', {
  cpu: cores('Cores.'),
  memory: size('Memory; an integer is gibibytes.'),
  disk: size('Disk; an integer is gibibytes.'),
})

export const resources = object('Default requests.', {
  Dataset: perKind,
  Model: perKind,
  ModelServer: perKind,
  Notebook: perKind,
})

export const resourceDefaults = {
  Dataset: { cpu: 2, memory: 10, disk: 50 },
  Model: { cpu: 2, memory: 10, disk: 100 },
  ModelServer: { cpu: 2, memory: 10 },
  Notebook: { cpu: 2, memory: 10, disk: 20 },
} satisfies TypeOf<typeof resources>

export const serviceAccounts = object('ServiceAccounts of the Pods.', {
  Dataset: string('Of Datasets.'),
  Model: string('Of Models.'),
  ModelServer: string('Of ModelServers.'),
  Notebook: string('Of Notebooks.'),
})
