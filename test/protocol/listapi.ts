import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { type Logger, pino } from 'pino'
import { until } from '../cluster/cluster.ts'

/** An API server whose lists a test answers and whose watches it writes to, for the server's caches. */

export interface ListApi {
  readonly kubeConfig: KubeConfig
  /** What the cache writes into `lines`. */
  readonly log: Logger
  readonly lines: string[]
  /** Aborted at the end of the test. */
  readonly signal: AbortSignal
  /** The code of all answers to lists, or of each list and watch. */
  code: number | ((url: URL) => number)
  /** Waits until so many watches are open. */
  readonly watching: (count?: number) => Promise<unknown>
  /** Writes an event to the watch with this selector, of fields or else of labels; absent: to all. */
  readonly send: (type: string, object: object, selector?: string) => void
  readonly close: () => void
}

export async function listApi(listed: (url: URL) => object): Promise<ListApi> {
  const watches = new Map<string, ServerResponse>()
  const server = createServer(({ url: path = '' }, response) => {
    const url = new URL(path, 'http://it')
    response.setHeader('content-type', 'application/json')
    const query = url.searchParams
    const isWatch = query.has('watch')
    if (typeof api.code === 'function') response.statusCode = api.code(url)
    else if (!isWatch) response.statusCode = api.code
    if (isWatch && response.statusCode === 200) {
      watches.set(query.get('fieldSelector') ?? query.get('labelSelector') ?? '', response)
      return response.flushHeaders()
    }
    response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, ...listed(url) }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromClusterAndUser(
    // The client speaks plain HTTP only where TLS would not be verified.
    { name: 'it', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'it' },
  )
  const watched = new AbortController()
  const lines: string[] = []
  const api: ListApi = {
    kubeConfig,
    log: pino({}, { write: (line) => void lines.push(line) }),
    lines,
    signal: watched.signal,
    code: 200,
    watching: (count = 1) =>
      until(
        async () => watches.size,
        (size) => size === count,
      ),
    send: (type, object, selector) => {
      for (const [of, watch] of watches)
        if (of === (selector ?? of)) watch.write(`${JSON.stringify({ type, object })}\n`)
    },
    close: () => {
      watched.abort()
      server.close()
      server.closeAllConnections()
    },
  }
  return api
}
