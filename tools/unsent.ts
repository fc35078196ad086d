import type { Socket } from 'node:net'

/**
 * What a client is told if the server does not listen, for instance because it has crashed. The kernel has
 * accepted the connection by then, and the client may have sent a request. In HTTP/1, the answer says that
 * nothing has reached the server, so that the gateway may send the request elsewhere; gateway/upstreams.ts
 * knows the header. Any other connection is reset.
 */
const answer = [
  'HTTP/1.1 503 Service Unavailable',
  'substratus-unsent: 1',
  'content-length: 0',
  'connection: close',
  '\r\n',
].join('\r\n')

const isHttp1 = (chunk: Buffer): boolean =>
  /^[A-Z]+ [^ \r\n]+ HTTP\/1\.[01]\r\n/.test(chunk.toString('latin1'))

/** How long a client may take to send the beginning of a request, or to read the answer. */
const patienceMilliseconds = 2000

/** Ends the connection of a client; `first` is what it has sent first, if anything. */
export function endUnsent(client: Socket, first: Buffer | undefined): void {
  const end = (chunk: Buffer): void => {
    if (isHttp1(chunk)) client.end(answer)
    else client.resetAndDestroy()
  }
  if (first) end(first)
  else client.once('data', end)
  // What it goes on to send is dropped: otherwise it might not read the answer.
  client.unpipe().resume()
  const timer = setTimeout(() => client.resetAndDestroy(), patienceMilliseconds)
  client.on('error', () => {})
  client.once('close', () => clearTimeout(timer))
}
