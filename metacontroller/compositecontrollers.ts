import { apiVersion } from '../crds/kind.ts'
import type { ChildKind } from '../hooks/children/childkind.ts'
import { hooks } from '../hooks/hooks.ts'

/** The kinds of all children, for Metacontroller's permissions; those that every cluster serves first. */
export const childrenOfAll: readonly ChildKind[] = [
  ...new Set(hooks.flatMap(({ children }) => children)),
].sort((a, b) => Number(a.optional ?? false) - Number(b.optional ?? false))

/** Under this key the Secret holds the token. */
export const tokenKey = 'token'

/** The objects of one of several Metacontrollers. */
interface Shard {
  readonly name: string
  readonly labelSelector: object
}

/** A Metacontroller with `--target-label-selector` takes the CompositeControllers with this label. */
const shardLabel = 'substratus.ai/shard'

interface Address {
  /** The base URL of the hooks, without a trailing slash. */
  readonly url: string
  /** The CA of the server's certificate: PEM in base64; by default, the system's CAs. */
  readonly caBundle?: string
  /** The Secret with the token that the hooks require, in the key `token`. */
  readonly tokenSecret?: { readonly namespace: string; readonly name: string }
  /**
   * Whether the cluster serves resource.k8s.io/v1, from which GPUs are claimed. Metacontroller runs no
   * controller with a child resource that is not served.
   */
  readonly deviceClaims?: boolean
  /** Changes the hooks' URL, so that Metacontroller reads the CA and the token again: it reads them once per URL. */
  readonly revision?: string
  /** By default, one Metacontroller has all objects. */
  readonly shards?: readonly Shard[]
}

/**
 * The CompositeControllers. The behaviour of each kind declares its children. All are updated InPlace:
 * the hooks return an existing Job as it is, with only its mutable fields changed, so that no update
 * recreates anything.
 */
export const controllers = ({
  url,
  caBundle,
  tokenSecret,
  revision,
  deviceClaims = false,
  shards = [],
}: Address): readonly object[] =>
  hooks.flatMap(({ kind: { plural }, children }) => {
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
    const composite = (metadata: object, selected: object) => ({
      apiVersion: 'metacontroller.k8s.io/v1alpha1',
      kind: 'CompositeController',
      metadata,
      spec: {
        generateSelector: true,
        // Our own status: an answer that needs to see it stored asks for a sync.
        parentResource: { apiVersion, resource: plural, ignoreStatusChanges: true, ...selected },
        childResources: children
          .filter(({ optional }) => deviceClaims || !optional)
          .map(({ apiVersion, resource }) => ({
            apiVersion,
            resource,
            updateStrategy: { method: 'InPlace' },
          })),
        hooks: { sync: hook('sync'), customize: hook('customize') },
      },
    })
    const name = `${plural}.substratus.ai`
    if (!shards.length) return [composite({ name }, {})]
    return shards.map((shard) =>
      composite(
        { name: `${shard.name}.${name}`, labels: { [shardLabel]: shard.name } },
        { labelSelector: shard.labelSelector },
      ),
    )
  })
