import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The port on which the handler listens, on this machine alone. */
export async function listening(handler: RequestListener): Promise<number> {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}
