import { Agent, type RequestOptions, request } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { inject } from 'vitest'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import { kindNamed } from '../../crds/kinds.ts'
import type { Shown } from '../cluster/cluster.ts'

/**
 * `kubectl apply --server-side` without a process for each object, which would take more of this machine
 * than everything under test.
 */
export interface Applied {
  readonly isAccepted: boolean
  /** What the person reads if it is not. */
  readonly words: string
}

let kubeConfig: KubeConfig | undefined
const agent = new Agent({ keepAlive: true })
const patienceMilliseconds = 34_000

export async function applyObject(
  namespace: string,
  object: Shown,
  isDryRun = false,
): Promise<Applied> {
  kubeConfig ??= kubeConfigOf(inject('cluster').kubeconfig)
  const options: RequestOptions = { method: 'PATCH', agent, timeout: patienceMilliseconds }
  await kubeConfig.applyToHTTPSOptions(options)
  const { plural } = kindNamed(object.kind)
  const path = `/apis/substratus.ai/v1/namespaces/${namespace}/${plural}/${object.metadata.name}`
  const query = `fieldManager=faults&force=true${isDryRun ? '&dryRun=All' : ''}`
  const url = `${kubeConfig.getCurrentCluster()?.server}${path}?${query}`
  const headers = { ...options.headers, 'content-type': 'application/apply-patch+yaml' }
  return new Promise((resolve) => {
    const failed = (words: string) => resolve({ isAccepted: false, words })
    const sent = request(url, { ...options, agent, headers }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk
      })
      response.on('error', ({ message }) => failed(message))
      response.on('end', () => {
        if ((response.statusCode ?? 0) < 300) resolve({ isAccepted: true, words: '' })
        else failed(messageOf(text))
      })
    })
    sent.on('timeout', () => sent.destroy(new Error('no response in time')))
    sent.on('error', ({ message }) => failed(message))
    sent.end(JSON.stringify(object))
  })
}

function messageOf(text: string): string {
  try {
    return JSON.parse(text).message
  } catch {
    return text.trim()
  }
}
