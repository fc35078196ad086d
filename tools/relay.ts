import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer, isIPv6, type LookupFunction, type Server } from 'node:net'
import { connectionUse } from './connectionuse.ts'
import { type Options, required } from './options.ts'
import { ownAddresses } from './ownaddresses.ts'
import { endUnsent } from './unsent.ts'

/**
 * Passes bytes between clients and a server of the same Pod, unchanged and at the pace of the slower
 * side, and knows for how long nobody has used the server. The idle watch asks on a Unix socket.
 */
export interface Relay {
  readonly server: Server
  /** Since the last activity, in milliseconds. */
  readonly silentFor: () => number
}

export function relayTo(
  port: number,
  probePaths: readonly string[],
  addresses = ownAddresses(),
): Relay {
  const waiting = new Set<() => boolean>()
  let last = performance.now()
  const note = (isActivity: boolean) => {
    if (isActivity) last = performance.now()
  }

  // The next address is tried only once one has refused, not because a busy server is slow to accept.
  const anyAddress = {
    host: 'server',
    lookup: lookupOf(addresses),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: patienceMilliseconds,
  }
  // A client may end its side and still read; each side ends only when the other has.
  const both = { allowHalfOpen: true, noDelay: true } as const
  const server = createServer(
    { ...both, keepAlive: true, keepAliveInitialDelay: 60_000 },
    (client) => {
      const use = connectionUse(probePaths)
      const upstream = connect({ ...both, ...anyAddress, port })
      let first: Buffer | undefined
      client.on('data', (chunk: Buffer) => {
        first ??= chunk
        note(use.sent(chunk))
      })
      upstream.on('data', () => note(use.answered()))
      client.pipe(upstream).pipe(client)
      client.on('error', () => upstream.resetAndDestroy())
      // What breaks on one side breaks on the other, so that a client that goes away frees the server.
      upstream.on('error', (error) =>
        isOfConnecting(error) ? endUnsent(client, first) : client.resetAndDestroy(),
      )
      waiting.add(use.isWaiting)
      client.on('close', () => {
        note(use.isWaiting())
        waiting.delete(use.isWaiting)
      })
    },
  )

  return {
    server,
    silentFor: () => {
      note([...waiting].some((isWaiting) => isWaiting()))
      return Math.round(performance.now() - last)
    },
  }
}

/** Longer than the kernel tries. */
const patienceMilliseconds = 300_000

const lookupOf =
  (addresses: readonly string[]): LookupFunction =>
  (_host, _options, found) =>
    found(
      null,
      addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 })),
    )

/** If several addresses were tried, the error contains one for each. */
const isOfConnecting = (error: NodeJS.ErrnoException): boolean =>
  error instanceof AggregateError || error.syscall === 'connect'

const listening = (server: Server, where: number | string) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, resolve)
  })

export async function main(options: Options): Promise<void> {
  const to = Number(required(options, 'to'))
  const path = required(options, 'relay')
  const { server, silentFor } = relayTo(to, options['probe-path'] ?? [])
  // A socket of this container before its restart is still there.
  rmSync(path, { force: true })
  const asked = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end(String(silentFor()))
  })
  await listening(asked, path)
  await listening(server, Number(required(options, 'port')))
  console.log(`relays to port ${to}`)
  await once(server, 'close')
}
