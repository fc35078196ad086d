import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'

interface Open {
  readonly socket: Socket
  readonly remote: string
  /** The request in progress. */
  request?: IncomingMessage | undefined
  since: number
}

/** Of many connections, several are closed at once, because each search looks at all of them. */
const foundEach = 512

/**
 * Limits the connections of a server. A new one is never refused, because it may be the one that matters.
 * Instead, the client address with most connections loses those that have been idle or stalled longest.
 */
export function boundConnections(server: Server, max: number): void {
  const closedAtOnce = Math.max(1, Math.floor(max / foundEach))
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
    if (open.size <= max) return
    for (const one of connectionsToClose([...open.values()], closedAtOnce)) {
      open.delete(keyOf(one.socket))
      one.socket.destroy()
    }
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

/** The connections to close: never one whose request is being answered. */
function connectionsToClose(open: readonly Open[], most: number): readonly Open[] {
  const idle = open.filter(({ request }) => !request?.complete)
  const byRemote = Map.groupBy(idle, ({ remote }) => remote)
  const [largest = []] = [...byRemote.values()].sort((a, b) => b.length - a.length)
  return largest.toSorted((a, b) => a.since - b.since).slice(0, most)
}
