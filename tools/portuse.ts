/**
 * Whether a port of this Pod is in use, from /proc/net/tcp and /proc/net/tcp6. All containers of a Pod
 * share them. Port-forwarding connects over loopback and the kubelet's probes do not, so only connections
 * over loopback count.
 */
export type PortUse = 'closed' | 'unused' | 'used'

/** States of a socket, as the kernel numbers them. */
const listening = '0A'
const usedStates: ReadonlySet<string> = new Set([
  // Established.
  '01',
  // TIME_WAIT: a connection closed within the last minute, seen at the end that closed it.
  '06',
])

/** 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104, each word in the machine's byte order. */
const loopback = /^(?:0{16}FFFF0000)?[0-9A-F]{6}7F$|^0{24}01000000$/

/** `tables` are the contents of the kernel's files, whose lines are `N: LOCAL:PORT REMOTE:PORT STATE …`. */
export function portUse(tables: readonly string[], port: number): PortUse {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  const sockets = tables.flatMap((table) => table.split('\n')).flatMap(socketIn)
  const isOurs = ({ local, remote }: Socket) => local.port === wanted || remote.port === wanted
  const isUse = (socket: Socket) =>
    isOurs(socket) && usedStates.has(socket.state) && loopback.test(socket.local.address)
  if (sockets.some(isUse)) return 'used'
  const listens = ({ local, state }: Socket) => local.port === wanted && state === listening
  return sockets.some(listens) ? 'unused' : 'closed'
}

interface End {
  readonly address: string
  readonly port: string
}

interface Socket {
  readonly local: End
  readonly remote: End
  readonly state: string
}

function socketIn(line: string): readonly Socket[] {
  const end = '([0-9A-F]+):([0-9A-F]{4})'
  const found = new RegExp(`^\\s*\\d+: ${end} ${end} ([0-9A-F]{2}) `).exec(line)
  if (!found) return []
  const [, address = '', port = '', otherAddress = '', otherPort = '', state = ''] = found
  return [{ local: { address, port }, remote: { address: otherAddress, port: otherPort }, state }]
}
