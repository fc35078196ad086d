/**
 * fetch with redirects of our own, because each address is checked and gets its own headers. It never
 * follows a redirect from https to plain http, to another scheme, or in a circle.
 */

/** An address that a server names, and why it is not requested. */
export interface Refused {
  readonly fault: 'invalid' | 'scheme' | 'plain' | 'credentials' | 'circle' | 'many'
  /** The server that named it. */
  readonly from: URL
  /** The address; of an invalid one, the server's own. */
  readonly to: URL
}

/** The address that a server names, relative to its own. */
export function addressFrom(location: string, from: URL): URL | Refused {
  if (!URL.canParse(location, from.href)) return { fault: 'invalid', from, to: from }
  const to = new URL(location, from)
  to.hash = ''
  if (!['https:', 'http:'].includes(to.protocol)) return { fault: 'scheme', from, to }
  if (from.protocol === 'https:' && to.protocol === 'http:') return { fault: 'plain', from, to }
  if (to.username || to.password) return { fault: 'credentials', from, to }
  return to
}

/** The limit of Go's HTTP client, and so of containerd. */
export const maxRedirects = 10

interface Asking extends RequestInit {
  readonly method?: string
}

/** Only 307 and 308 repeat a request that writes. A stream is never repeated: it can be read only once. */
function followed({ method = 'GET', ...asking }: Asking): readonly number[] {
  if (['GET', 'HEAD'].includes(method)) return [301, 302, 303, 307, 308]
  return 'duplex' in asking ? [] : [307, 308]
}

/** `left`: a redirect has led to another host, port or scheme, though another may have led back. */
type HeadersFor = (at: URL, left: boolean) => Readonly<Record<string, string>>

export async function follow(
  url: URL,
  asking: Asking,
  headersFor: HeadersFor,
): Promise<{ readonly answer: Response; readonly at: URL } | Refused> {
  const seen = new Set<string>()
  let left = false
  for (let at = url; ; ) {
    seen.add(at.href)
    left ||= at.origin !== url.origin
    const headers = headersFor(at, left)
    const answer = await fetch(at, { ...asking, headers, redirect: 'manual' })
    const location = answer.headers.get('location')
    if (!followed(asking).includes(answer.status) || !location) return { answer, at }
    await answer.body?.cancel()
    const to = addressFrom(location, at)
    if ('fault' in to) return to
    if (seen.has(to.href)) return { fault: 'circle', from: at, to }
    if (seen.size > maxRedirects) return { fault: 'many', from: at, to }
    at = to
  }
}
