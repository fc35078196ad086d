import type { KubeConfig } from '@kubernetes/client-node'
import { read } from '../cluster/exchange.ts'
import { group, version } from '../crds/kind.ts'
import type { ReferredKind } from '../crds/rule.ts'
import type { AdmissionRequest } from '../webhooks/review.ts'
import { isReferred, noUsers, type Users, usersOf } from '../webhooks/users.ts'
import { orLate } from './late.ts'

/** Finds the objects that refer to one. */
export type FindUsers = (kind: ReferredKind, namespace: string, name: string) => Promise<Users>

/** Names beyond these are not read; a page of metadata is small enough to hold in memory. */
const mostOfAKind = 20

/** Less than the 2 s that the API server waits for the webhook, so that the other warnings arrive. */
const patienceMilliseconds = 1500

interface Page {
  readonly metadata: { readonly continue?: string }
  /** null if there are none. */
  readonly items:
    | readonly {
        readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
      }[]
    | null
}

/** The CRDs make the references selectable, so the API server sends only the users, and only their metadata. */
export const clusterUsers =
  (kubeConfig: KubeConfig): FindUsers =>
  async (target, namespace, name) => {
    const ended = AbortSignal.timeout(patienceMilliseconds)
    const pages = await Promise.all(
      usersOf(target).map(async ({ kind, plural, path }) => {
        const page = await read<Page>(
          kubeConfig,
          `/apis/${group}/${version}/namespaces/${namespace}/${plural}`,
          { fieldSelector: `${path}=${name}`, limit: String(mostOfAKind) },
          { signal: ended, accept: metadataOnly },
        )
        const staying = (page.items ?? []).filter(({ metadata }) => !metadata.deletionTimestamp)
        return {
          found: staying.map(({ metadata }) => ({ kind, name: metadata.name })),
          areMore: Boolean(page.metadata.continue),
        }
      }),
    )
    return {
      found: pages.flatMap(({ found }) => found),
      areMore: pages.some(({ areMore }) => areMore),
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
  const found = find(oldObject.kind, namespace, name).catch(() => noUsers)
  return orLate(found, patienceMilliseconds).then((users) => users ?? noUsers)
}

/** Any other name would change the selector. */
const isName = (name: string): boolean => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)
