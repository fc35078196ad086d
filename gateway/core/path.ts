import { type Refusal, refusals } from './refusals.ts'

/** Where a request goes: a namespace, and what the server is asked. */
export interface Route {
  readonly namespace: string
  /** `/v1/chat/completions`, without the query. */
  readonly path: string
  /** With its question mark; empty without one. */
  readonly query: string
}

/** A namespace is a DNS label. */
const inNamespace = /^\/([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)(\/v1(?:\/.*)?)$/

/** A server may resolve these to a path outside /v1. */
const crooked = /\/\.{1,2}(?:\/|$)|\/\/|[\\#]|%2e|%2f|%5c|%00/i

/** The same where all requests are for one namespace. */
const inOnly = /^(\/v1(?:\/.*)?)$/

/** Whether the gateway itself answers: with the list of models, or with one of them. */
export const isAboutModels = (method: string | undefined, path: string): boolean =>
  (method === 'GET' || method === 'HEAD') && /^\/v1\/models(?:\/|$)/.test(path)

/** What clients call their base address, where there is only one namespace or more. */
export const baseOf = (only?: string): string => (only ? '/v1' : '/NAMESPACE/v1')

/** Reads `/NAMESPACE/v1/…`, or `/v1/…` where there is only one namespace. */
export function routeOf(
  method: string | undefined,
  url: string,
  only?: string,
): Route | { readonly refusal: Refusal } {
  const at = url.indexOf('?')
  const [given, query] = at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at)]
  const [namespace, rest = ''] = only
    ? [only, inOnly.exec(given)?.[1]]
    : (inNamespace.exec(given)?.slice(1) ?? [])
  // OpenAI's client encodes the slash in the name of a model. Such a path is never forwarded.
  const path = isAboutModels(method, rest) ? rest.replaceAll(/%2f/gi, '/') : rest
  if (crooked.test(path || given)) return { refusal: refusals.badPath() }
  if (!namespace || !path) return { refusal: refusals.noSuchPath(baseOf(only)) }
  return { namespace, path, query }
}
