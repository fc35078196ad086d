import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'

/** The API server and Metacontroller hold a few dozen. */
const mostConnections = 512

interface Open {
  readonly socket: Socket
  readonly remote: string
  /** The request that is read or answered. */
  request?: IncomingMessage | undefined
  since: number
}

/**
 * Bounds the connections of a server. A new one is never turned away, for it may be the API server's:
 * of the address that has most, the one that has been idle or has stalled for the longest goes.
 */
export function boundConnections(server: Server, most = mostConnections): void {
  // By address, for a request over TLS comes from another socket than the connection.
  const open = new Map<string, Open>()
  const keyOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`

  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket)
    const own: Open = { socket, remote: String(socket.remoteAddress), since: performance.now() }
    open.set(key, own)
    socket.on('close', () => {
      if (open.get(key) === own) open.delete(key)
    })
    if (open.size > most) victimOf([...open.values()])?.socket.destroy()
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

/** Never one whose request is being answered. */
function victimOf(open: readonly Open[]): Open | undefined {
  const idle = open.filter(({ request }) => !request?.complete)
  const byRemote = Map.groupBy(idle, ({ remote }) => remote)
  const [most] = [...byRemote.values()].sort((a, b) => b.length - a.length)
  return most?.reduce((oldest, one) => (one.since < oldest.since ? one : oldest))
}
