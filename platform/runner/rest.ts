import { Agent, type RequestOptions } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeConfig, V1ObjectMeta } from '@kubernetes/client-node'
import { exchange } from '../../cluster/exchange.ts'

/** An object of any kind. */
export interface Obj {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: V1ObjectMeta & { readonly name: string; readonly uid: string }
  readonly [field: string]: unknown
}

/** A resource as controllers name it, and as the API server serves it. */
export interface ResourceRule {
  readonly apiVersion: string
  readonly resource: string
}
export type Resource = ResourceRule & { readonly kind: string }

const root = (apiVersion: string): string =>
  `${apiVersion.includes('/') ? '/apis' : '/api'}/${apiVersion}`

/** `/apis/batch/v1/namespaces/NS/jobs/NAME`; without a namespace, across all. */
export const pathOf = (resource: Resource, namespace?: string, name?: string): string =>
  `${root(resource.apiVersion)}${namespace ? `/namespaces/${namespace}` : ''}/${resource.resource}${name ? `/${name}` : ''}`

export type Rest = ReturnType<typeof restOf>

/** The calls of the Kubernetes API that the runner makes. */
export function restOf(kubeConfig: KubeConfig, log: (fields: object, message: string) => void) {
  // One agent for all calls, so that connections are reused.
  const agent = new Agent({ keepAlive: true })
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const options: RequestOptions = { method }
    await kubeConfig.applyToHTTPSOptions(options)
    const url = `${kubeConfig.getCurrentCluster()?.server}${path}`
    return exchange<T>(url, { ...options, agent }, body)
  }
  const find = async ({ apiVersion, resource }: ResourceRule): Promise<Resource> => {
    const path = root(apiVersion)
    const { resources } = await call<{ resources: { name: string; kind: string }[] }>('GET', path)
    const found = resources.find(({ name }) => name === resource)
    if (!found) throw new Error(`the API server does not serve ${resource} of ${apiVersion}`)
    return { apiVersion, resource, kind: found.kind }
  }
  /** Waits until it is served: a starting API server adds one group after another. */
  const discover = (rule: ResourceRule): Promise<Resource> =>
    find(rule).catch((error: unknown) => {
      log({ error: String(error) }, 'asked again in a second')
      return sleep(1000).then(() => discover(rule))
    })
  return { call, discover }
}
