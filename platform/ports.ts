import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

/**
 * Below the ports that Linux gives to outgoing connections: while a server restarts, one of those could take
 * its port. Also below those of Services with type NodePort, and above those of the kubelet and kube-proxy.
 */
const [first, last] = [11_000, 29_999]

/** Undefined if somebody else listens there. */
const listening = (port: number, address: string): Promise<Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    server.listen(port, address, () => resolve(server))
  })

async function listeningSomewhere(address: string): Promise<[port: number, server: Server]> {
  for (;;) {
    const port = randomInt(first, last + 1)
    const server = await listening(port, address)
    if (server) return [port, server]
  }
}

/**
 * Ports that were free a moment ago. Each stays open until the last is found, so that all are different.
 * A port that is free on one address may be in use on another.
 */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<readonly number[]> {
  const found = await Promise.all(Array.from({ length: count }, () => listeningSomewhere(address)))
  await Promise.all(found.map(([, server]) => new Promise((done) => server.close(done))))
  return found.map(([port]) => port)
}
