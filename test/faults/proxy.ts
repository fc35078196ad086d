import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Certificate } from '../../cluster/certificates.ts'

/**
 * Stands between the API server and its clients that are under test: the servers and Metacontroller. It
 * can be slow, answer in place of the API server, and cut connections.
 *
 *     server, Metacontroller ──▶ proxy ──▶ API server ◀── kubectl, Kubernetes' own controllers
 */

/** An answer in place of the API server's. */
export interface Answer {
  readonly code: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: object
}

/** What happens to a request on its way there, and to its response on its way back. */
export interface Behaviour {
  readonly before?: (call: IncomingMessage) => Promise<Answer | undefined> | Answer | undefined
  /** Called when the API server has answered, before its client hears of it. */
  readonly after?: (call: IncomingMessage) => Promise<void> | void
}

export interface ApiProxy {
  readonly url: string
  /** Changes what happens to requests; without an argument, they pass. */
  readonly behave: (behaviour?: Behaviour) => void
  /** Cuts the connection of every watch; returns how many there were. */
  readonly cutWatches: () => number
  readonly close: () => void
}

interface ProxyOptions {
  /** The URL of the API server. */
  readonly server: string
  /** The path of its CA, which has also signed the proxy's own certificate. */
  readonly ca: string
  readonly certificate: Certificate
}

export const isWatch = ({ url = '' }: IncomingMessage): boolean => /[?&]watch=(true|1)/.test(url)

export async function startProxy({ server, ca, certificate }: ProxyOptions): Promise<ApiProxy> {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(ca) })
  const watches = new Set<ServerResponse>()
  let behaviour: Behaviour = {}

  const pass = (call: IncomingMessage, response: ServerResponse, { after }: Behaviour): void => {
    const { method, headers, url } = call
    const sent = request(`${server}${url}`, { method, headers, agent }, async (answer) => {
      await after?.(call)
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      // The client of a watch waits for the headers, before the first event.
      response.flushHeaders()
      answer.pipe(response)
      answer.on('error', () => response.destroy())
      answer.on('close', () => answer.complete || response.destroy())
    })
    sent.on('error', () => response.destroy())
    response.on('close', () => sent.destroy())
    call.pipe(sent)
  }

  const tls = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }
  const proxy = createServer(tls, async (call, response) => {
    const { before, after } = behaviour
    if (isWatch(call)) {
      watches.add(response)
      response.on('close', () => watches.delete(response))
    }
    const answer = await before?.(call)
    if (!answer) return pass(call, response, { ...(after && { after }) })
    call.resume()
    response.writeHead(answer.code, { 'content-type': 'application/json', ...answer.headers })
    response.end(JSON.stringify(answer.body))
  })
  proxy.keepAliveTimeout = 120_000
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port } = proxy.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}`,
    behave: (next = {}) => {
      behaviour = next
    },
    cutWatches: () => {
      const open = [...watches]
      for (const response of open) response.destroy()
      return open.length
    },
    close: () => {
      proxy.close()
      proxy.closeAllConnections()
      agent.destroy()
    },
  }
}
