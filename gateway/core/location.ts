/** Where a server is, and what stands before its paths at the gateway. */
export interface Place {
  /** As in the Host header that the server got: it puts that into its redirects. */
  readonly address: string
  /** `/NAMESPACE`, or nothing where there is only one. */
  readonly prefix: string
}

/**
 * The target of a server's redirect as the client can reach it: at the gateway, because the server's own address
 * is that of a Pod. Relative paths and addresses of other hosts stay as they are.
 */
export function locationFor(location: string, { address, prefix }: Place): string {
  const [, host, path = ''] = /^(?:https?:)?\/\/([^/?#]*)(.*)$/is.exec(location) ?? []
  if (host === undefined) return location.startsWith('/') ? `${prefix}${location}` : location
  const isOwn = [address, address.replace(/:80$/, '')].includes(host.toLowerCase())
  return isOwn ? `${prefix}/${path.replace(/^\/+/, '')}` : location
}
