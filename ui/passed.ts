import { request as requestHttp, type ServerResponse } from 'node:http'
import { type RequestOptions, request as requestHttps } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { authenticate } from '../cluster/credentials.ts'
import { refusalOf } from '../cluster/refusal.ts'
import { sendStatus } from './answers.ts'

export interface Passed {
  readonly method: string
  readonly path: string
  readonly body?: string
}

/** How long the API server may be silent; a log that is followed may be silent for ever. */
const patienceMilliseconds = 60_000

/**
 * Sends a request to the API server as the person, and its answer to the page as it arrives. Of the page's
 * headers none is passed on, and of the answer's only the type.
 */
export async function pass(
  kubeConfig: KubeConfig,
  { method, path, body }: Passed,
  res: ServerResponse,
): Promise<void> {
  const options: RequestOptions = { method }
  const failed = (error: unknown): void => {
    if (res.headersSent) res.destroy()
    else sendStatus(res, 502, `the API server cannot be reached: ${refusalOf(error).message}`)
  }
  try {
    await authenticate(kubeConfig, options)
  } catch (error) {
    return failed(error)
  }
  const url = `${kubeConfig.getCurrentCluster()?.server}${path}`
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const headers = {
    ...options.headers,
    accept: 'application/json, */*',
    ...(body !== undefined && { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
  }
  const send = url.startsWith('https:') ? requestHttps : requestHttp
  const sent = send(url, { ...options, headers, timeout: patienceMilliseconds }, (answer) => {
    sent.setTimeout(0)
    const isJson = answer.headers['content-type']?.startsWith('application/json')
    res.writeHead(answer.statusCode ?? 502, {
      'content-type': isJson ? 'application/json' : 'text/plain; charset=utf-8',
    })
    // The log of a Pod that says nothing yet: the page learns that it is open.
    res.flushHeaders()
    answer.on('error', failed)
    answer.pipe(res)
  })
  sent.on('timeout', () => sent.destroy(new Error('it does not answer')))
  sent.on('error', failed)
  res.on('close', () => sent.destroy())
  // The page may have gone while the credentials were made.
  if (res.destroyed) return void sent.destroy()
  sent.end(body)
}
