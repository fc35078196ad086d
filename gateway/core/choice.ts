import { affinity } from './hash.ts'
import type { Replica, Server } from './servers.ts'

/** How many requests are under way at an address; infinitely many: it gets none. */
export type Load = (address: string) => number

/** A server, and one of its replicas. */
export interface Choice {
  readonly server: Server
  readonly address: string
  /** The name by which its program knows what is asked for. */
  readonly knows: string
}

/** A replica is not overloaded with so few requests, however idle the others are. */
const alwaysTaken = 4
/** Nor up to so many times the mean. */
const overMean = 1.25

/**
 * The replica for a request, out of those of all servers alike: a server's share follows its replicas.
 *
 * With a key, the one that fits it best, unless that one is overloaded: then the best of the others. All
 * requests with that key so meet the same caches, and when a replica comes or goes, only the keys that
 * move to it or from it change their place. Without a key, one with the fewest requests under way; `turn`
 * says which of several, and counts the requests for that name without a key.
 */
export function chosenFrom(
  servers: readonly Server[],
  load: Load,
  { key, turn }: { readonly key: number | undefined; readonly turn: number },
): Choice | undefined {
  const found = key === undefined ? leastLoaded(servers, load, turn) : best(servers, load, key)
  return (
    found && {
      server: found.server,
      address: found.replica.address,
      knows: found.server.adapter ?? found.replica.knows,
    }
  )
}

interface Place {
  readonly server: Server
  readonly replica: Replica
}

function best(servers: readonly Server[], load: Load, key: number): Place | undefined {
  const most = capacityOf(servers, load)
  let found: Place | undefined
  let highest = -1
  for (const server of servers)
    for (const replica of server.replicas) {
      const score = affinity(key, replica.hash)
      const here = load(replica.address)
      if (score <= highest || here >= most || here === Number.POSITIVE_INFINITY) continue
      highest = score
      found = { server, replica }
    }
  return found
}

/** How many requests a replica has before it is overloaded. At least one replica has fewer. */
function capacityOf(servers: readonly Server[], load: Load): number {
  let total = 0
  let count = 0
  for (const { replicas } of servers) {
    for (const { address } of replicas) {
      const here = load(address)
      if (here === Number.POSITIVE_INFINITY) continue
      total += here
      count++
    }
  }
  return Math.max(alwaysTaken, Math.ceil((overMean * (total + 1)) / count))
}

function leastLoaded(servers: readonly Server[], load: Load, turn: number): Place | undefined {
  let fewest = Number.POSITIVE_INFINITY
  let idlest: Place[] = []
  for (const server of servers)
    for (const replica of server.replicas) {
      const here = load(replica.address)
      if (here > fewest || here === Number.POSITIVE_INFINITY) continue
      if (here < fewest) idlest = []
      fewest = here
      idlest.push({ server, replica })
    }
  return idlest[turn % idlest.length]
}
