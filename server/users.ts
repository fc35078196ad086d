import type { KubeConfig } from '@kubernetes/client-node'
import { read } from '../cluster/exchange.ts'
import { group, type KindName, version } from '../crds/kind.ts'
import type { ReferredKind } from '../crds/rule.ts'
import { baseOf } from '../webhooks/facts.ts'
import type { AdmissionRequest } from '../webhooks/review.ts'
import { isReferred, listersOf, noUsers, type Users, usersOf } from '../webhooks/users.ts'
import { orLate } from './late.ts'

/** Finds the objects that refer to one; `base` is that of a Model. */
export type FindUsers = (
  kind: ReferredKind,
  namespace: string,
  name: string,
  base?: string,
) => Promise<Users>

/** Names beyond these are not read; a page of metadata is small enough to hold in memory. */
const mostOfAKind = 20

/** Less than the 2 s that the API server waits for the webhook, so that the other warnings arrive. */
const patienceMilliseconds = 1500

interface Page<T> {
  readonly metadata: { readonly continue?: string }
  /** null if there are none. */
  readonly items: readonly T[] | null
}

interface Listed {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
}

interface Lister extends Listed {
  readonly spec: Readonly<Record<string, readonly { readonly name: string }[] | undefined>>
}

/** The CRDs make the references selectable, so the API server sends only the users, and only their metadata. */
export const clusterUsers =
  (kubeConfig: KubeConfig): FindUsers =>
  async (target, namespace, name, base) => {
    const ended = AbortSignal.timeout(patienceMilliseconds)
    const users = await Promise.all([
      ...(base ? listersOf(target) : []).map(async ({ kind, plural, path, field }) => {
        const page = await read<Page<Lister>>(
          kubeConfig,
          `/apis/${group}/${version}/namespaces/${namespace}/${plural}`,
          { fieldSelector: `${path}=${base}`, limit: String(mostOfAKind) },
          { signal: ended },
        )
        return usersIn(kind, page, ({ spec }) =>
          (spec[field] ?? []).some((one) => one.name === name),
        )
      }),
      ...usersOf(target).map(async ({ kind, plural, path }) => {
        const page = await read<Page<Listed>>(
          kubeConfig,
          `/apis/${group}/${version}/namespaces/${namespace}/${plural}`,
          { fieldSelector: `${path}=${name}`, limit: String(mostOfAKind) },
          { signal: ended, accept: metadataOnly },
        )
        return usersIn(kind, page)
      }),
    ])
    return {
      found: users.flatMap(({ found }) => found),
      areMore: users.some(({ areMore }) => areMore),
    }
  }

/** Those of a page that stay. */
function usersIn<T extends Listed>(
  kind: KindName,
  { items, metadata }: Page<T>,
  uses: (item: T) => boolean = () => true,
): Users {
  const staying = (items ?? []).filter((item) => !item.metadata.deletionTimestamp && uses(item))
  return {
    found: staying.map(({ metadata: { name } }) => ({ kind, name })),
    areMore: Boolean(metadata.continue),
  }
}

const metadataOnly = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'

/**
 * The objects that use the one being deleted. After a failure or a timeout there are none: the warning
 * is not worth delaying a deletion. Kubernetes' own controllers, which delete the objects of a namespace
 * one by one, get no warning, because nobody would read it.
 */
export function usersFor(request: AdmissionRequest, find: FindUsers): Users | Promise<Users> {
  const { operation, oldObject, username = '' } = request
  if (operation !== 'DELETE' || !oldObject || !isReferred(oldObject.kind)) return noUsers
  if (username.startsWith('system:serviceaccount:kube-system:')) return noUsers
  const { name } = oldObject.metadata
  const namespace = request.namespace ?? oldObject.metadata.namespace
  if (!name || !namespace || !isName(name)) return noUsers
  const found = find(oldObject.kind, namespace, name, baseOf(oldObject)).catch(() => noUsers)
  return orLate(found, patienceMilliseconds).then((users) => users ?? noUsers)
}

/** Any other name would change the selector. */
const isName = (name: string): boolean => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)
