/** The first lines of an error and its cause, in words for people; the rest is for a debugger. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  const known = networkWords(error) ?? networkWords(cause)
  if (known) return known
  const because = cause instanceof Error ? `: ${cause.message}` : ''
  return `${error.message}${because}`.split('\n').slice(0, 3).join(' ')
}

/** What Node.js adds to the error of a failed connection. */
interface NetworkError {
  readonly code?: string
  readonly address?: string
  readonly port?: number
  readonly hostname?: string
  readonly errors?: readonly unknown[] | null
}

/** A Unix socket is a path, and has no port. */
function place({ address, port }: NetworkError): string {
  if (address === undefined) return 'the address'
  if (port === undefined) return address
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}

const words: Readonly<Record<string, (error: NetworkError) => string>> = {
  ECONNREFUSED: (error) => `the connection to ${place(error)} was refused`,
  ECONNRESET: () => 'the other end closed the connection',
  EPIPE: () => 'the other end closed the connection',
  EHOSTUNREACH: (error) => `there is no route to ${place(error)}`,
  ENETUNREACH: (error) => `there is no route to ${place(error)}`,
  ETIMEDOUT: (error) => `${place(error)} does not answer`,
  ENOTFOUND: ({ hostname }) => `there is no host "${hostname}"`,
  ERR_OSSL_PEM_NO_START_LINE: () => 'a certificate or key of the kubeconfig is not in PEM format',
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: () =>
    'the client certificate of the kubeconfig and its key do not match',
  EAI_AGAIN: ({ hostname }) => `the name "${hostname}" cannot be resolved`,
  ...Object.fromEntries(
    [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    ].map((code) => [
      code,
      () => 'the certificate of the server is signed by an unknown authority',
    ]),
  ),
}

/** If a host has several addresses, the error contains one for each, and has no message of its own. */
function networkWords(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const first = ((error as NetworkError).errors?.[0] ?? error) as NetworkError
  const { code = '' } = first
  return Object.hasOwn(words, code) ? words[code]?.(first) : undefined
}
