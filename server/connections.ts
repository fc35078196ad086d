import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'

/** The API server and Metacontroller open a few dozen. */
const maxConnections = 512

interface Open {
  readonly socket: Socket
  readonly remote: string
  /** The request in progress. */
  request?: IncomingMessage | undefined
  since: number
}

/**
 * Limits the connections of a server. A new one is never refused, because it may be the API server's.
 * Instead, the client address with most connections loses the one that has been idle or stalled longest.
 */
export function boundConnections(server: Server, max = maxConnections): void {
  // Keyed by address and port, because a request over TLS has another socket than the connection.
  const open = new Map<string, Open>()
  const keyOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`

  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket)
    const own: Open = { socket, remote: String(socket.remoteAddress), since: performance.now() }
    open.set(key, own)
    socket.on('close', () => {
      if (open.get(key) === own) open.delete(key)
    })
    if (open.size > max) connectionToClose([...open.values()])?.socket.destroy()
  })
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    const own = open.get(keyOf(req.socket))
    if (!own) return
    own.request = req
    own.since = performance.now()
    res.on('close', () => {
      if (own.request === req) own.request = undefined
    })
  })
}

/** The connection to close: never one whose request is being answered. */
function connectionToClose(open: readonly Open[]): Open | undefined {
  const idle = open.filter(({ request }) => !request?.complete)
  const byRemote = Map.groupBy(idle, ({ remote }) => remote)
  const [most] = [...byRemote.values()].sort((a, b) => b.length - a.length)
  return most?.reduce((oldest, one) => (one.since < oldest.since ? one : oldest))
}
