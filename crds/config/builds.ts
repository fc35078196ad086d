import { boolean, integer, object, string, type TypeOf } from '../schema/builders.ts'
import { cores, size } from './sizes.ts'

const confinement = string('Unconfined, or Localhost/PROFILE.', {
  pattern: '^(Unconfined|Localhost/.+)$',
})

/** The kubelet would expand other dollars and braces. Helm and ajv must both accept the pattern. */
const value = {
  pattern:
    '^([$][{][{] *(secret|configmap)s[.][a-z0-9]([-a-z0-9]*[a-z0-9])?[.][-._a-zA-Z0-9]+ *[}][}]|[^${}]*)$',
}

const proxy = (what: string) => string(what, { ...value, maxLength: 2048 })

const env = object(
  'The proxies and private CAs with which builds and packaging reach registries and, unless spec.env says otherwise, Git. A value may be ${{ secrets.NAME.KEY }} or ${{ configmaps.NAME.KEY }}, read in the namespace of the object.',
  {
    HTTP_PROXY: proxy('The proxy for http://.'),
    HTTPS_PROXY: proxy('The proxy for https://.'),
    NO_PROXY: proxy('Hosts that are reached without a proxy, separated by commas.'),
    CA_CERTIFICATES: string(
      'PEM certificates of private CAs, trusted in addition to the public ones.',
      {
        ...value,
        maxLength: 24576,
      },
    ),
  },
)

export const builder = object('How the rootless builder is confined, and what it requests.', {
  seccomp: confinement,
  appArmor: confinement,
  cpu: cores('Cores that a build requests.'),
  memory: size('Memory that a build requests; an integer is gibibytes.'),
  disk: size(
    'Space on the node’s disk that a build requests, as ephemeral-storage; an integer is gibibytes. Default: none.',
  ),
  deadlineSeconds: integer('The time a build or a packaging may take.', { minimum: 1 }),
  env,
})

export const builderDefaults = {
  seccomp: 'Unconfined',
  appArmor: 'Unconfined',
  cpu: 1,
  memory: 2,
  deadlineSeconds: 3600,
  env: {},
} satisfies TypeOf<typeof builder>

export const git = object('Git.', {
  allowHttp: boolean('Whether plain http:// may be cloned.'),
  knownHosts: string('known_hosts for ssh, where the Secret has none.'),
  caBundle: string(
    'PEM certificates of the authorities of private hosts, beside the public ones, where the Secret has no ca.crt.',
  ),
})
