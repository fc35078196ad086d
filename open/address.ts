/**
 * The address of a Pod's Jupyter, made from what the Pod reports. The image may be hostile, so only a
 * path and a token are used, and each must have its expected form.
 */

/** The fields that are used from Jupyter's file in its runtime directory. */
export interface Jupyter {
  readonly token: string
  /** Its base URL, `/` by default. */
  readonly path: string
}

/** The root of the server, for when it reports nothing. */
export const plain: Jupyter = { token: '', path: '/' }

/** The first line of JSON that describes a Jupyter server; undefined if there is none. */
export function jupyterOf(text: string): Jupyter | undefined {
  for (const candidate of [text, ...text.split('\n')]) {
    try {
      const { token, base_url, port } = JSON.parse(candidate)
      if (port !== undefined) return { token: tokenIn(token), path: pathIn(base_url) }
    } catch {
      // Not JSON: a message of the shell, or a half-written file.
    }
  }
  return undefined
}

/** Longer than users choose, but short enough for a command line and a browser. */
const maxLength = 512

/** Printable ASCII: other characters could not be typed into Jupyter's login page either. */
const tokenIn = (value: unknown): string =>
  typeof value === 'string' && value.length <= maxLength && /^[ -~]*$/.test(value) ? value : ''

/**
 * A path at the forwarded port. Two slashes or a backslash could begin the name of another host. A
 * path begins with a slash, so it cannot be a scheme.
 */
function pathIn(value: unknown): string {
  const isPath =
    typeof value === 'string' &&
    value.length <= maxLength &&
    value.startsWith('/') &&
    !/\/\/|\\|\p{Cc}|\p{Cs}/u.test(value)
  return isPath ? encoded(value) : plain.path
}

/** Percent-encodes everything that a shell or a browser could interpret. */
const encoded = (path: string): string =>
  path.replace(/%(?![0-9A-Fa-f]{2})|[^\w/.~%@:+,=-]/gu, (found) =>
    [...Buffer.from(found)]
      .map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`)
      .join(''),
  )

/** The address to open. Jupyter needs the token once; then it sets a cookie. */
export function addressOf(port: number, { token, path }: Jupyter): string {
  const url = new URL(`http://127.0.0.1:${port}`)
  url.pathname = path
  if (token) url.searchParams.set('token', token)
  return url.href
}

/** The address as it may be shown to anyone. */
export const withoutToken = (address: string): string => address.replace(/\?.*$/, '')

/** Whether an address is one of ours: at a local port, and without special characters of any shell. */
const isOurs = (address: string): boolean =>
  /^http:\/\/127\.0\.0\.1:\d{1,5}\/[\w/.~%@:+,=-]*$/.test(address)

/**
 * The program that opens an address in the user's browser, and its arguments. No shell parses them:
 * `cmd /c start` would treat "&" in an address as the end of its command.
 */
export function browserCommand(
  platform: string,
  address: string,
  env: NodeJS.ProcessEnv = process.env,
): readonly [string, ...string[]] {
  if (!isOurs(address)) throw new Error('only an address of a local port is opened in a browser')
  switch (platform) {
    case 'darwin':
      return ['open', address]
    case 'win32': {
      // By its full path: Windows searches the current folder first.
      const windows = env.SystemRoot ?? 'C:\\Windows'
      return [`${windows}\\System32\\rundll32.exe`, 'url.dll,FileProtocolHandler', address]
    }
    default:
      return ['xdg-open', address]
  }
}
