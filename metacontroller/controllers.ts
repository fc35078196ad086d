import { apiVersion, type KindName } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'

/** Which children each kind has: one table, from which the CompositeControllers are made. */
const childResources: Readonly<Record<KindName, readonly (keyof typeof children)[]>> = {
  Dataset: ['jobs', 'persistentvolumeclaims'],
  Model: ['jobs', 'persistentvolumeclaims'],
  ModelServer: ['jobs', 'deployments', 'services'],
  Notebook: ['jobs', 'statefulsets', 'services', 'networkpolicies', 'persistentvolumeclaims'],
}

const children = {
  jobs: 'batch/v1',
  persistentvolumeclaims: 'v1',
  deployments: 'apps/v1',
  statefulsets: 'apps/v1',
  services: 'v1',
  networkpolicies: 'networking.k8s.io/v1',
  resourceclaimtemplates: 'resource.k8s.io/v1',
} as const

/** Every resource that some kind has as a child: what Metacontroller needs rights for. */
export const childrenOfAll: readonly { readonly apiVersion: string; readonly resource: string }[] =
  Object.entries(children).map(([resource, apiVersion]) => ({ apiVersion, resource }))

/** Under this key the Secret holds the token. */
export const tokenKey = 'token'

interface Address {
  /** Where the hooks are, without a trailing slash. */
  readonly url: string
  /** The CA of the server's certificate: PEM in base64; the system's own without it. */
  readonly caBundle?: string
  /** The Secret whose key `token` the hooks ask for. */
  readonly tokenSecret?: { readonly namespace: string; readonly name: string }
  /**
   * Whether the cluster serves resource.k8s.io/v1, from which GPUs are claimed. Metacontroller runs no
   * controller with a child resource that is not served.
   */
  readonly deviceClaims?: boolean
  /** Changes the hooks' address, so that Metacontroller connects anew: it reads CA and token only once. */
  readonly revision?: string
}

/**
 * The CompositeControllers. All children are updated InPlace: an existing Job is emitted as it is,
 * with only its mutable fields changed, so that no update recreates anything.
 */
export const controllers = ({
  url,
  caBundle,
  tokenSecret,
  revision,
  deviceClaims = false,
}: Address): readonly object[] =>
  kinds.map(({ kind, plural }) => {
    const hook = (name: string) => ({
      version: 'v2',
      webhook: {
        url: `${url}/hooks/${plural}/${name}${revision ? `?revision=${revision}` : ''}`,
        timeout: '10s',
        ...(caBundle && { caBundle: { inline: Buffer.from(caBundle, 'base64').toString() } }),
        ...(tokenSecret && {
          authorization: { type: 'Bearer', secretRef: { ...tokenSecret, key: tokenKey } },
        }),
      },
    })
    return {
      apiVersion: 'metacontroller.k8s.io/v1alpha1',
      kind: 'CompositeController',
      metadata: { name: `${plural}.substratus.ai` },
      spec: {
        generateSelector: true,
        parentResource: { apiVersion, resource: plural },
        childResources: [
          ...childResources[kind],
          ...(deviceClaims ? (['resourceclaimtemplates'] as const) : []),
        ].map((resource) => ({
          apiVersion: children[resource],
          resource,
          updateStrategy: { method: 'InPlace' },
        })),
        hooks: { sync: hook('sync'), customize: hook('customize') },
      },
    }
  })
