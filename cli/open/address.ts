/** What Jupyter writes down about itself in its runtime directory. */
export interface Jupyter {
  readonly token: string
  /** Where it answers, `/` unless it was told another. */
  readonly path: string
  readonly secure: boolean
}

/** The first line of JSON that speaks of a Jupyter server; undefined where none does. */
export function jupyterOf(text: string): Jupyter | undefined {
  for (const candidate of [text, ...text.split('\n')]) {
    try {
      const { token = '', base_url = '/', secure = false, port } = JSON.parse(candidate)
      if (port !== undefined) return { token, path: base_url, secure }
    } catch {
      // No JSON: a word of the shell, or a half-written file.
    }
  }
  return undefined
}

/** Without a server's own words: its root, over plain HTTP. */
export const plain: Jupyter = { token: '', path: '/', secure: false }

/** Where the browser goes. Jupyter takes the token once, and gives the browser a cookie for it. */
export function addressOf(port: number, { token, path, secure }: Jupyter): string {
  const url = new URL(path, `${secure ? 'https' : 'http'}://127.0.0.1:${port}`)
  if (token) url.searchParams.set('token', token)
  return url.href
}

/** The same for everybody's eyes. */
export const withoutToken = (address: string): string => address.replace(/\?.*$/, '')

/** The program that opens an address in the person's browser. */
export function browserCommand(platform: string, address: string): readonly [string, ...string[]] {
  switch (platform) {
    case 'darwin':
      return ['open', address]
    case 'win32':
      // The first quoted word would be the window's title.
      return ['cmd', '/c', 'start', '""', address]
    default:
      return ['xdg-open', address]
  }
}
