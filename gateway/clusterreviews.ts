import type { KubeConfig } from '@kubernetes/client-node'
import { create } from '../cluster/exchange.ts'
import { rightIn } from './core/right.ts'
import type { Reviews, User } from './keys.ts'

/** The audience of a token that is made for the gateway: no other program takes it. */
export const audience = 'substratus.ai/gateway'

/** How long the API server may take: a client waits for it. */
const patienceMilliseconds = 5000

interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean
    readonly user?: User
    readonly audiences?: readonly string[]
  }
}

interface SubjectAccessReview {
  readonly status?: { readonly allowed?: boolean }
}

/**
 * Asks the API server about tokens and rights. A token of a cluster's own audience can do anything that its
 * user may, so it is taken only if the administrator accepts that people send such tokens here.
 */
export function clusterReviews(
  kubeConfig: KubeConfig,
  { acceptClusterTokens }: { readonly acceptClusterTokens: boolean },
): Reviews {
  const ask = async <T>(path: string, spec: object): Promise<T> =>
    (await create(kubeConfig, path, { spec }, AbortSignal.timeout(patienceMilliseconds))) as T

  const userFor = async (token: string, audiences?: readonly string[]) => {
    const { status } = await ask<TokenReview>('/apis/authentication.k8s.io/v1/tokenreviews', {
      token,
      ...(audiences && { audiences }),
    })
    if (!status?.authenticated) return undefined
    // An authenticator that knows no audiences says so by naming none.
    const isOurs = !audiences || status.audiences?.some((it) => audiences.includes(it))
    return isOurs && status.user?.username ? status.user : undefined
  }

  return {
    userOf: async (token) =>
      (await userFor(token, [audience])) ??
      (acceptClusterTokens ? await userFor(token) : undefined),
    mayUse: async ({ username, uid, groups, extra }, namespace) => {
      const { status } = await ask<SubjectAccessReview>(
        '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        {
          user: username,
          ...(uid && { uid }),
          ...(groups && { groups }),
          ...(extra && { extra }),
          resourceAttributes: rightIn(namespace),
        },
      )
      return status?.allowed === true
    },
  }
}
