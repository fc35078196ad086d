import { type Choice, chosenFrom, type Load } from './choice.ts'
import { type Names, nearTo } from './names.ts'
import { type Refusal, refusals } from './refusals.ts'
import type { Server } from './servers.ts'

/**
 * What becomes of a request:
 *
 *     a replica is ready ──▶ forward
 *     one will be        ──▶ hold, and wake those that sleep
 *     none will be       ──▶ refuse
 */
export type Decision =
  | ({ readonly is: 'forward' } & Choice)
  | { readonly is: 'hold'; readonly wake: readonly Server[]; readonly servers: readonly Server[] }
  | { readonly is: 'refuse'; readonly refusal: Refusal }

export interface Asked {
  readonly namespace: string
  /** The name in the request. */
  readonly model: string
  /** The hash of a conversation's beginning, if the request has one. */
  readonly key: number | undefined
  /** Counts the requests. */
  readonly turn: number
}

/** Decides on a request, by the names of its namespace and the number of requests at each replica. */
export function decide(asked: Asked, names: Names, load: Load): Decision {
  const { namespace, model } = asked
  const servers = names.get(model)
  if (!servers) {
    const refusal = refusals.wrongModel(model, namespace, nearTo(model, names))
    return { is: 'refuse', refusal }
  }
  const choice = chosenFrom(servers.filter(mayServe), load, asked)
  if (choice) return { is: 'forward', ...choice }
  const wake = servers.filter(({ state }) => state === 'asleep')
  const areComing = wake.length > 0 || servers.some(({ state }) => state === 'awake')
  return areComing
    ? { is: 'hold', wake, servers }
    : { is: 'refuse', refusal: refusals.stopped(servers) }
}

/**
 * A failed server may have Pods of its former template, which serve. Those of one that sleeps or was
 * stopped are about to end, so they get no new request.
 */
const mayServe = ({ state }: Server): boolean => state === 'awake' || state === 'failed'
