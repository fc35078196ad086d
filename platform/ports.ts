import { type AddressInfo, createServer, type Server } from 'node:net'

const listening = (address: string): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, address, () => resolve(server))
  })

/**
 * Ports that were free a moment ago. Each stays open until the last is found, so that all are different.
 * A port that is free on one address may be in use on another.
 */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listening(address)))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return ports
}
