import { group, version } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import type { Status } from './wire.ts'

/**
 * Decides what a request may reach. Everything that is not in the table is refused, so a program that has
 * got hold of the token can do no more than the page.
 */

/** What a body must be, before it is passed on. */
export type BodyKind = 'change' | 'review'

export type Route =
  | { readonly to: 'file'; readonly path: string }
  | { readonly to: 'session' | 'objects' | 'gateway' }
  | { readonly to: 'schema'; readonly plural: string }
  | { readonly to: 'open'; readonly plural: string; readonly name: string }
  /** The API server; `path` is built from what was understood, never copied. */
  | { readonly to: 'cluster'; readonly path: string; readonly body?: BodyKind }

interface Row {
  readonly method: 'GET' | 'POST' | 'PATCH'
  /** Its groups are the arguments of `route`. */
  readonly path: RegExp
  /** The parameters of the query that it may have, and their values. */
  readonly query?: Readonly<Record<string, RegExp>>
  readonly route: (words: readonly string[], query: string) => Route
}

/** A DNS name: no slash, no percent sign, and no dot at its beginning. */
const name = '([a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)'
const plural = `(${kinds.map((kind) => kind.plural).join('|')})`
const canBeOpened = '(modelservers|notebooks)'

const isTrue = /^true$/
const logQuery = {
  container: /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
  follow: isTrue,
  previous: isTrue,
  timestamps: isTrue,
  tailLines: /^[0-9]{1,5}$/,
} as const

const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'

const rowsOf = (namespace: string): readonly Row[] => {
  const own = `/apis/${group}/${version}/namespaces/${namespace}`
  return [
    {
      method: 'GET',
      path: /^(\/|\/assets\/[-\w]+(?:\.[-\w]+)+)$/,
      route: ([path = '']) => ({ to: 'file', path }),
    },
    { method: 'GET', path: /^\/api\/session$/, route: () => ({ to: 'session' }) },
    { method: 'GET', path: /^\/api\/objects$/, route: () => ({ to: 'objects' }) },
    {
      method: 'GET',
      path: new RegExp(`^/api/schemas/${plural}$`),
      route: ([plural = '']) => ({ to: 'schema', plural }),
    },
    {
      method: 'POST',
      path: new RegExp(`^/api/open/${canBeOpened}/${name}$`),
      route: ([plural = '', name = '']) => ({ to: 'open', plural, name }),
    },
    {
      method: 'GET',
      path: new RegExp(`^/cluster/api/v1/namespaces/${namespace}/pods/${name}/log$`),
      query: logQuery,
      route: ([name], query) => ({
        to: 'cluster',
        path: `/api/v1/namespaces/${namespace}/pods/${name}/log${query}`,
      }),
    },
    {
      method: 'POST',
      path: new RegExp(`^/cluster${reviews}$`),
      route: () => ({ to: 'cluster', path: reviews, body: 'review' }),
    },
    {
      method: 'PATCH',
      path: new RegExp(`^/cluster${own}/${plural}/${name}$`),
      route: ([plural, name]) => ({
        to: 'cluster',
        path: `${own}/${plural}/${name}`,
        body: 'change',
      }),
    },
    { method: 'POST', path: /^\/v1\/chat\/completions$/, route: () => ({ to: 'gateway' }) },
  ]
}

const refusal = (code: number, message: string): Status => ({ kind: 'Status', code, message })

/** Longer than any address of the page. */
const longestUrl = 2048

/** What a request may reach, or why it may not; for the pages of one namespace. */
export function routesOf(namespace: string): (method: string, url: string) => Route | Status {
  const rows = rowsOf(namespace)
  return (method, url) => {
    if (url.length > longestUrl) return refusal(414, 'the address is too long')
    const [path = '', search = '', ...more] = url.split('?')
    if (more.length) return refusal(400, 'the address has more than one question mark')
    const found = rows.filter((row) => row.path.test(path))
    if (!found.length)
      return refusal(404, `the page needs no such path in namespace "${namespace}"`)
    const row = found.find((one) => one.method === method)
    if (!row)
      return refusal(405, `only ${found.map((one) => one.method).join(' or ')} is passed on here`)
    const query = queryFrom(search, row.query ?? {})
    if (typeof query !== 'string') return query
    return row.route([...(row.path.exec(path) ?? [])].slice(1), query)
  }
}

/** The query with its question mark, written again. */
function queryFrom(search: string, allowed: Readonly<Record<string, RegExp>>): string | Status {
  const given = new URLSearchParams(search)
  const seen = new Set<string>()
  for (const [key, value] of given) {
    const pattern = Object.hasOwn(allowed, key) ? allowed[key] : undefined
    if (!pattern) return refusal(400, 'the query has a parameter that the page does not use')
    if (seen.has(key)) return refusal(400, `"${key}" is given twice`)
    if (!pattern.test(value)) return refusal(400, `"${key}" has a value that the page does not use`)
    seen.add(key)
  }
  return seen.size ? `?${given}` : ''
}
