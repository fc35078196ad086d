/** The token of spec.env for https sources. It is sent only to the host of the source. */

export interface Token {
  readonly headers: (at: URL, left: boolean) => Readonly<Record<string, string>>
  /** What the user can do about a 401 or 403 of this server. */
  readonly remedy: (at: URL) => string
}

const name = 'HTTP_TOKEN'

/** RFC 6750, and what hosts add to it; neither "Bearer" before it nor a line break inside. */
const form = /^[!-~]+$/

export function tokenFor(url: URL, given: string | undefined): Token {
  // A Secret that was made from a file ends with a line break.
  const token = given?.trim()
  if (token && !form.test(token))
    throw new Error(
      `${name} in spec.env must be the token alone, in visible ASCII: no spaces, and no "Bearer" before it`,
    )
  return {
    headers: (at, left): Readonly<Record<string, string>> =>
      token && !left && at.origin === url.origin && at.protocol === 'https:'
        ? { authorization: `Bearer ${token}` }
        : {},
    remedy: (at) => {
      if (!token) return `if it needs a token, give ${name} in spec.env, from a Secret`
      if (at.origin !== url.origin) return `${name} is sent only to ${url.origin}`
      if (at.protocol !== 'https:') return `${name} is sent only by https`
      return `it refuses ${name} of spec.env`
    },
  }
}
