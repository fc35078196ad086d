import { locationFor, type Place } from './location.ts'

/**
 * A server runs a tenant's program. Of a request it gets the headers that describe the request, and none
 * that say who sent it: no Authorization, no cookies, nothing that a proxy has added about the client.
 */

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** Without accept-encoding, so that the usage in an answer can be read. */
const forwarded = [
  'accept',
  'accept-language',
  'content-type',
  'openai-beta',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-request-id',
]

/** The headers of a request that reach the server. */
export const requestHeaders = (given: Headers): Record<string, string> =>
  Object.fromEntries(
    forwarded.flatMap((name) => {
      const value = given[name]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )

/** They concern one connection, or would change what a browser does with the servers of other tenants. */
const dropped = new Set([
  'accept-ch',
  'alt-svc',
  'clear-site-data',
  'connection',
  'keep-alive',
  'nel',
  'proxy-authenticate',
  'proxy-connection',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
  'set-cookie',
  'strict-transport-security',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The headers of an answer that reach the client. Its `Connection` may name further ones that must not. */
export function responseHeaders(given: Headers, place: Place): Record<string, string | string[]> {
  const named = [given.connection ?? []].flat().flatMap((value) => value.split(','))
  const hops = new Set(named.map((name) => name.trim().toLowerCase()))
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      value === undefined || dropped.has(name) || hops.has(name)
        ? []
        : [[name, name === 'location' ? locationFor(`${value}`, place) : listed(value)]],
    ),
  )
}

const listed = (value: string | readonly string[]): string | string[] =>
  typeof value === 'string' ? value : [...value]
