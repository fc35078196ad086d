import { connect, createServer, type Socket } from 'node:net'

/**
 * What a Service does: each new connection goes to one of the servers that are in it, in turn. Open
 * connections stay where they are.
 */
export interface Balancer {
  readonly add: (port: number) => void
  readonly remove: (port: number) => void
  readonly close: () => void
}

export async function startBalancer(port: number): Promise<Balancer> {
  const targets: number[] = []
  const open = new Set<Socket>()
  let turn = 0
  const balancer = createServer((client) => {
    const target = targets[turn++ % targets.length]
    // As where nothing listens: an address of a Service without endpoints refuses connections.
    if (target === undefined) return client.resetAndDestroy()
    const server = connect(target, '127.0.0.1')
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(from)
      from.on('close', () => {
        open.delete(from)
        to.destroySoon()
      })
      from.on('error', () => to.resetAndDestroy())
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve) => balancer.listen(port, '127.0.0.1', resolve))
  return {
    add: (target) => void targets.push(target),
    remove: (target) => {
      const at = targets.indexOf(target)
      if (at >= 0) targets.splice(at, 1)
    },
    close: () => {
      balancer.close()
      for (const socket of open) socket.destroy()
    },
  }
}
