import { boolean, integer, object, string, type TypeOf } from '../schema/builders.ts'
import { cores, size } from './sizes.ts'

const confinement = string('Unconfined, or Localhost/PROFILE.', {
  pattern: '^(Unconfined|Localhost/.+)$',
})

export const builder = object('How the rootless builder is confined, and what it requests.', {
  seccomp: confinement,
  appArmor: confinement,
  cpu: cores('Cores that a build requests.'),
  memory: size('Memory that a build requests; an integer is gibibytes.'),
  deadlineSeconds: integer('The time a build or a packaging may take.', { minimum: 1 }),
})

export const builderDefaults = {
  seccomp: 'Unconfined',
  appArmor: 'Unconfined',
  cpu: 1,
  memory: 2,
  deadlineSeconds: 3600,
} satisfies TypeOf<typeof builder>

export const git = object('Git.', {
  allowHttp: boolean('Whether plain http:// may be cloned.'),
  knownHosts: string('known_hosts for ssh, where the Secret has none.'),
  caBundle: string(
    'PEM certificates of the authorities of private hosts, beside the public ones, where the Secret has no ca.crt.',
  ),
})
