import { decide } from '../../gateway/core/decide.ts'
import { hashOf } from '../../gateway/core/hash.ts'
import { namesOf } from '../../gateway/core/names.ts'
import type { Server } from '../../gateway/core/servers.ts'
import { median } from '../figures.ts'

/** What a decision costs among many ModelServers of one namespace, in this process. */
export interface Routing {
  /** Microseconds. */
  readonly decision: number
  /** Milliseconds to refuse a name that nobody has, with those that are near. */
  readonly wrongName: number
  /** Milliseconds to know the names again after a change. */
  readonly names: number
}

const replicasEach = 4
/** Servers that share an alias. */
const shared = 5

const serversOf = (count: number): readonly Server[] =>
  Array.from({ length: count }, (_, index) => ({
    namespace: 'team',
    name: `server-${index}`,
    created: new Date(index * 1000).toISOString(),
    model: `model-${index}`,
    aliases: [`alias-${Math.floor(index / shared)}`],
    adapters: [],
    served: [],
    knows: `model-${index}`,
    state: 'awake',
    isHindered: false,
    says: 'Serving: serving',
    replicas: Array.from({ length: replicasEach }, (_, replica) => {
      const address = `10.${index >> 8}.${index & 255}.${replica}:8080`
      return { address, hash: hashOf(address), knows: `model-${index}`, model: `model-${index}` }
    }),
  }))

const rounds = 15
const decisions = 20_000

/** The median of several rounds, in milliseconds for each time. */
function timed(times: number, work: (index: number) => void): number {
  const round = (): number => {
    const start = performance.now()
    for (let index = 0; index < times; index++) work(index)
    return (performance.now() - start) / times
  }
  return median(Array.from({ length: rounds }, round))
}

export function measureRouting(count: number): Routing {
  const servers = serversOf(count)
  const names = namesOf(servers)
  const known = [...names.keys()]
  const loads = new Map(
    servers.flatMap(({ replicas }) => replicas).map(({ address, hash }) => [address, hash % 8]),
  )
  const load = (address: string): number => loads.get(address) ?? 0
  const ask = (model: string, turn: number) =>
    // Every other request is one of a conversation.
    decide(
      { namespace: 'team', model, key: turn % 2 ? hashOf(model) : undefined, turn, waited: 0 },
      names,
      load,
    )
  let forwarded = 0
  const decision = timed(decisions, (turn) => {
    if (ask(known[(turn * 7919) % known.length] ?? '', turn).is === 'forward') forwarded++
  })
  if (forwarded !== rounds * decisions) throw new Error('a decision was not to forward')
  return {
    decision: decision * 1000,
    wrongName: timed(3, (turn) => void ask(`sever-${turn}`, turn)),
    names: timed(3, () => void namesOf(servers)),
  }
}
