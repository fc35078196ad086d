/** What spec.source says, by its scheme. */
export type Source =
  | {
      readonly scheme: 'hf'
      readonly address: string
      readonly repository: string
      readonly revision: string
    }
  | {
      readonly scheme: 'https'
      readonly address: string
      readonly url: string
      readonly file: string
      /** From `#sha256=…`. */
      readonly sha256?: string
    }
  | {
      readonly scheme: 's3' | 'gs'
      readonly address: string
      readonly bucket: string
      readonly path: string
    }

export function sourceOf(address: string): Source {
  const [, scheme = '', rest = ''] = /^([a-z0-9]+):\/\/(.*)$/s.exec(address) ?? []
  switch (scheme) {
    case 'hf': {
      const [repository = '', revision = 'main'] = rest.split('@')
      return { scheme, address, repository, revision }
    }
    case 'http':
    case 'https': {
      const url = new URL(address)
      const sha256 = /^#sha256=([0-9a-f]{64})$/.exec(url.hash)?.[1]
      if (url.hash && !sha256)
        throw new Error(`"${url.hash}" is no checksum: write #sha256= and 64 hexadecimal digits`)
      url.hash = ''
      const file = decodeURIComponent(url.pathname.split('/').filter(Boolean).at(-1) ?? 'index')
      return { scheme: 'https', address, url: url.href, file, ...(sha256 && { sha256 }) }
    }
    case 's3':
    case 'gs': {
      const [bucket = '', ...path] = rest.split('/')
      return { scheme, address, bucket, path: path.join('/').replace(/\/+$/, '') }
    }
    default:
      throw new Error(`"${address}" is none of hf://, https://, s3:// and gs://`)
  }
}
