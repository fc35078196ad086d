import { KubeConfig } from '@kubernetes/client-node'
import { create } from '../cluster/exchange.ts'
import { type ClusterOptions, clusterOf } from '../cluster/kubeconfig.ts'
import { refusalOf } from '../cluster/refusal.ts'
import { failureLines } from '../cluster/remedy.ts'
import { wrongSegment } from '../cluster/segments.ts'
import { group } from '../crds/kind.ts'
import { audience } from '../gateway/clusterreviews.ts'
import { rightIn } from '../gateway/core/right.ts'
import { usageError } from '../terminal/usage.ts'

interface Options extends ClusterOptions {
  readonly hours: number
}

/**
 * Prints a key of the gateway for a ServiceAccount, and nothing else, on standard output. On standard error:
 * until when it is valid, and what its user lacks to use models.
 */
export async function tokenCommand(name: string, options: Options): Promise<number> {
  if (!(options.hours > 0)) return usageError('--hours must be a number above 0')
  const wrong = wrongSegment('resource name', name)
  if (wrong !== undefined) return usageError(wrong)
  const { kubeConfig, namespace } = clusterOf(options)
  try {
    const made = await tokenOf(kubeConfig, namespace, name, {
      audiences: [audience],
      expirationSeconds: Math.ceil(options.hours * 3600),
    })
    const isAllowed = await mayUseModels(kubeConfig, namespace, name)
    console.error(`a key for ServiceAccount "${name}", valid until ${made.expirationTimestamp}`)
    if (!isAllowed) console.error(missing(namespace, name))
    console.log(made.token)
    return 0
  } catch (error) {
    const refusal = refusalOf(error)
    const lines =
      refusal.code === 404
        ? [`error: ${refusal.message}: kubectl create serviceaccount ${name} -n ${namespace}`]
        : failureLines(refusal, namespace)
    for (const line of lines) console.error(line)
    return 1
  }
}

const missing = (namespace: string, name: string): string =>
  [
    `the gateway refuses it for now: ServiceAccount "${name}" may not create modelservers/proxy in namespace "${namespace}". To allow it:`,
    `  kubectl create role models -n ${namespace} --verb=create --resource=modelservers.${group}/proxy`,
    `  kubectl create rolebinding ${name}-models -n ${namespace} --role=models --serviceaccount=${namespace}:${name}`,
  ].join('\n')

interface Made {
  readonly token: string
  readonly expirationTimestamp: string
}

async function tokenOf(
  kubeConfig: KubeConfig,
  namespace: string,
  name: string,
  spec: object,
): Promise<Made> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${encodeURIComponent(name)}/token`
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }
  const { status } = (await create(kubeConfig, path, body)) as { readonly status: Made }
  return status
}

/**
 * Asks as the ServiceAccount itself, with a token of the shortest life: everybody may ask about their own
 * rights, and few may ask about those of others.
 */
async function mayUseModels(
  kubeConfig: KubeConfig,
  namespace: string,
  name: string,
): Promise<boolean> {
  const { token } = await tokenOf(kubeConfig, namespace, name, { expirationSeconds: 600 })
  const cluster = kubeConfig.getCurrentCluster()
  if (!cluster) return false
  const own = new KubeConfig()
  own.loadFromClusterAndUser(cluster, { name, token })
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: {
      resourceAttributes: rightIn(namespace),
    },
  }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  const review = (await create(own, path, body)) as { readonly status: { allowed: boolean } }
  return review.status.allowed
}
