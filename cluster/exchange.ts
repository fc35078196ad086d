import { type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent, type RequestOptions, request as requestHttps } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { authenticate } from './credentials.ts'
import { refused } from './refusal.ts'

/** The error for a response other than 2xx, with its code and its body. */
export type HttpError = Error & {
  readonly code: number
  readonly body: string
  readonly retryAfter: number
}

/** Sends a request with a JSON body; resolves to the JSON of the response. */
export function exchange<T>(url: string, options: RequestOptions, body?: unknown): Promise<T> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const headers = {
    ...(text && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    ...options.headers,
  }
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? requestHttps : requestHttp
    const sent = send(url, { ...options, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const content = Buffer.concat(chunks).toString()
        const code = answer.statusCode ?? 0
        if (code < 300) return resolve(parsed<T>(content, url))
        const error = new Error(`${options.method} ${url}: ${code}: ${content.slice(0, 300)}`)
        const retryAfter = Number(answer.headers['retry-after'])
        reject(Object.assign(error, { code, body: content, retryAfter }))
      })
    })
    sent.on('timeout', () => sent.destroy(new Error(`${url} did not answer in time`)))
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // The other end has closed a kept connection in that moment. Reading again has no effect.
      const isStale = sent.reusedSocket && error.code === 'ECONNRESET' && options.method === 'GET'
      if (isStale) exchange<T>(url, { ...options, agent: false }, body).then(resolve, reject)
      else reject(error)
    })
    sent.end(text)
  })
}

/** Rejects instead of throwing if the text is not JSON: a proxy may answer with a page. */
const parsed = async <T>(text: string, url: string): Promise<T> => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${url} did not answer with JSON`)
  }
}

export const codeOf = (error: unknown): number | undefined => (error as Partial<HttpError>).code

const timeoutMilliseconds = 60_000

interface ReadOptions {
  readonly signal?: AbortSignal | undefined
  /** The media type to ask for, for instance one of metadata only. */
  readonly accept?: string
  /** That of the body, if it is not plain JSON. */
  readonly contentType?: string
}

/** Reads raw JSON from the API server. The client's own calls would turn times into Dates. */
export const read = <T>(
  kubeConfig: KubeConfig,
  path: string,
  query: Readonly<Record<string, string>>,
  options: ReadOptions = {},
): Promise<T> => {
  const search = new URLSearchParams(query).toString()
  return send<T>(kubeConfig, 'GET', `${path}${search && `?${search}`}`, options)
}

/** Creates an object in a collection of the API server. */
export const create = (
  kubeConfig: KubeConfig,
  path: string,
  object: object,
  signal?: AbortSignal,
): Promise<unknown> => send(kubeConfig, 'POST', path, { signal }, object)

/** Changes an object by a merge patch; resolves to the changed object. */
export const patch = <T>(
  kubeConfig: KubeConfig,
  path: string,
  change: object,
  fieldManager: string,
): Promise<T> =>
  send<T>(
    kubeConfig,
    'PATCH',
    `${path}?${new URLSearchParams({ fieldManager })}`,
    { contentType: 'application/merge-patch+json' },
    change,
  )

/** Reads text that may go on for as long as something runs, such as a log. */
export async function stream(
  kubeConfig: KubeConfig,
  path: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const options: RequestOptions = { method: 'GET', signal }
  await authenticate(kubeConfig, options)
  const url = `${kubeConfig.getCurrentCluster()?.server}${path}?${new URLSearchParams(query)}`
  return new Promise((resolve, reject) => {
    const open = url.startsWith('https:') ? requestHttps : requestHttp
    const sent = open(url, options, (answer) => {
      const code = answer.statusCode ?? 0
      if (code < 300) return resolve(answer)
      let body = ''
      answer.on('data', (chunk: Buffer) => {
        if (body.length < 10_000) body += chunk
      })
      answer.on('error', reject)
      answer.on('end', () => reject(refused(code, body)))
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** By the agent that the client makes for a kubeconfig, which opens a connection for each request. */
const keptAgents = new WeakMap<Agent, Agent>()

/** The same with connections that are used again: a TLS handshake costs more than most answers. */
function keptAgent(agent: Agent): Agent {
  // An agent of another class connects through a proxy.
  if (agent.constructor !== Agent) return agent
  const known = keptAgents.get(agent)
  if (known) return known
  const kept = new Agent({ ...agent.options, keepAlive: true, timeout: timeoutMilliseconds })
  keptAgents.set(agent, kept)
  return kept
}

async function send<T>(
  kubeConfig: KubeConfig,
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  { signal, accept, contentType }: ReadOptions,
  body?: object,
): Promise<T> {
  const options: RequestOptions = { method }
  await authenticate(kubeConfig, options)
  if (options.agent instanceof Agent) options.agent = keptAgent(options.agent)
  const url = `${kubeConfig.getCurrentCluster()?.server}${path}`
  const headers = {
    ...options.headers,
    ...(accept && { accept }),
    ...(contentType && { 'content-type': contentType }),
  }
  const timeout = timeoutMilliseconds
  return exchange<T>(url, { ...options, headers, timeout, ...(signal && { signal }) }, body)
}
