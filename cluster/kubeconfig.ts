import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { wrongSegment } from './segments.ts'
import { followTokenFiles } from './tokenfile.ts'

export interface ClusterOptions {
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
}

export interface Cluster {
  readonly kubeConfig: KubeConfig
  readonly namespace: string
}

/** For programs that may run in the cluster: a file, or `in-cluster` for the Pod's ServiceAccount. */
export function kubeConfigOf(file: string): KubeConfig {
  const kubeConfig = new KubeConfig()
  if (file === 'in-cluster') kubeConfig.loadFromCluster()
  else kubeConfig.loadFromFile(file)
  followTokenFiles(kubeConfig)
  allowPlainHttp(kubeConfig)
  return kubeConfig
}

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * Finds the cluster by kubectl's rules: --kubeconfig, else the files of KUBECONFIG merged, where the
 * first file to set a value wins and missing files are ignored, else ~/.kube/config, else the Pod's
 * ServiceAccount.
 */
export function clusterOf(
  { kubeconfig, context, namespace }: ClusterOptions,
  env: NodeJS.ProcessEnv = process.env,
): Cluster {
  const kubeConfig = kubeconfig ? read(kubeconfig) : fromEnvironment(env)
  if (context) kubeConfig.setCurrentContext(context)
  const named = kubeConfig.getCurrentContext()
  if (!named)
    throw new Error('the kubeconfig has no current-context: choose one with --context NAME')
  const found = kubeConfig.getContextObject(named)
  if (!found) {
    const names = kubeConfig.getContexts().map(({ name }) => name)
    throw new Error(
      `context "${named}" is not in the kubeconfig${names.length ? `; it has ${names.join(', ')}` : ''}`,
    )
  }
  if (!kubeConfig.getCurrentCluster())
    throw new Error(
      `context "${named}" names cluster "${found.cluster}", which the kubeconfig lacks`,
    )
  if (found.user && !kubeConfig.getCurrentUser())
    throw new Error(`context "${named}" names user "${found.user}", which the kubeconfig lacks`)
  allowPlainHttp(kubeConfig)
  // An empty namespace counts as unset, as in kubectl.
  const chosen = namespace || found.namespace || 'default'
  const wrong = wrongSegment('namespace', chosen)
  if (wrong !== undefined) throw new Error(wrong)
  return { kubeConfig, namespace: chosen }
}

/**
 * `kubectl proxy` and some development clusters speak plain HTTP, which the client refuses. As kubectl does, we
 * send no credentials there.
 */
function allowPlainHttp(kubeConfig: KubeConfig): void {
  const cluster = kubeConfig.getCurrentCluster()
  if (!cluster || !/^http:/i.test(cluster.server)) return
  const user = kubeConfig.getCurrentUser()
  kubeConfig.clusters = kubeConfig.clusters.map((one) =>
    one === cluster ? { ...one, skipTLSVerify: true } : one,
  )
  kubeConfig.users = kubeConfig.users.map((one) => (one === user ? { name: one.name } : one))
}

function fromEnvironment(env: NodeJS.ProcessEnv): KubeConfig {
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter(Boolean)
  const wanted = listed.length ? listed : [join(env.HOME ?? homedir(), '.kube', 'config')]
  const files = wanted.filter((file) => existsSync(file) && readFileSync(file, 'utf8').trim())
  if (files.length) return files.map(read).reduce(merged)
  if (existsSync(join(serviceAccount, 'token'))) return kubeConfigOf('in-cluster')
  throw new Error(`no kubeconfig: ${wanted.join(', ')} cannot be found; name one with --kubeconfig`)
}

function read(file: string): KubeConfig {
  if (!existsSync(file)) throw new Error(`kubeconfig ${file} does not exist`)
  const kubeConfig = new KubeConfig()
  try {
    kubeConfig.loadFromFile(file)
  } catch (error) {
    throw new Error(`kubeconfig ${file}: ${error instanceof Error ? error.message : error}`)
  }
  return kubeConfig
}

function merged(first: KubeConfig, then: KubeConfig): KubeConfig {
  const both = new KubeConfig()
  both.loadFromOptions({
    clusters: byName(first.clusters, then.clusters),
    users: byName(first.users, then.users),
    contexts: byName(first.contexts, then.contexts),
    currentContext: first.currentContext || then.currentContext,
  })
  return both
}

const byName = <T extends { readonly name: string }>(first: readonly T[], then: readonly T[]) => [
  ...first,
  ...then.filter(({ name }) => !first.some((one) => one.name === name)),
]
