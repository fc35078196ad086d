import { Agent, type RequestOptions } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeConfig, V1ObjectMeta } from '@kubernetes/client-node'
import { codeOf, exchange } from './http.ts'

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

/** The few calls of the Kubernetes API that the runner makes. */
export function restOf(kubeConfig: KubeConfig) {
  // One agent for all calls, so that connections are reused.
  const agent = new Agent({ keepAlive: true })
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const options: RequestOptions = { method }
    await kubeConfig.applyToHTTPSOptions(options)
    const url = `${kubeConfig.getCurrentCluster()?.server}${path}`
    return exchange<T>(url, { ...options, agent }, body).catch((error: unknown) => {
      // Whoever reads has time until the API server is there again; a write is of its moment.
      if (method !== 'GET' || (codeOf(error) ?? 503) < 500) throw error
      return sleep(1000).then(() => call<T>(method, path))
    })
  }
  const discover = async ({ apiVersion, resource }: ResourceRule): Promise<Resource> => {
    const { resources } = await call<{ resources: { name: string; kind: string }[] }>(
      'GET',
      root(apiVersion),
    )
    const found = resources.find(({ name }) => name === resource)
    if (!found) throw new Error(`the API server does not serve ${resource} of ${apiVersion}`)
    return { apiVersion, resource, kind: found.kind }
  }
  return { call, discover }
}
