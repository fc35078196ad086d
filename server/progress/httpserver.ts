import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { boundConnections } from '../../cluster/connections.ts'
import type { Limits } from './messages.ts'

/** Reports are short, and their senders are many. */
const timeouts = { connectionsCheckingInterval: 1000, headersTimeout: 5000, requestTimeout: 5000 }
const keepAliveMilliseconds = 20_000
const maxConnections = 10_000
/** A Pod needs one; behind the same address may be all Pods of a node. */
const maxFromOne = 512
/**
 * A Service chooses a replica for each connection. If a connection stayed open, a single replica would receive
 * all reports of a program, while Metacontroller might ask another one.
 */
const oldMilliseconds = 10_000

/** Listens for reports; what is too slow, too many or too old is closed. */
export function progressServer(
  handler: RequestListener,
  { connections = maxConnections, old = oldMilliseconds }: Limits = {},
): Server {
  const since = new WeakMap<Socket, number>()
  const server = createServer(timeouts, (req, res) => {
    if (performance.now() - (since.get(req.socket) ?? 0) >= old)
      res.setHeader('Connection', 'close')
    handler(req, res)
  })
  server.keepAliveTimeout = keepAliveMilliseconds
  server.timeout = keepAliveMilliseconds
  boundConnections(server, connections)
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    since.set(socket, performance.now())
    const remote = String(socket.remoteAddress)
    const count = (open.get(remote) ?? 0) + 1
    open.set(remote, count)
    socket.on('close', () => {
      const left = (open.get(remote) ?? 1) - 1
      if (left) open.set(remote, left)
      else open.delete(remote)
    })
    if (count > maxFromOne) socket.destroy()
  })
  return server
}
