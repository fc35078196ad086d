import { type Choice, chosenFrom, type Load } from './choice.ts'
import { type Names, nearTo } from './names.ts'
import { type Refusal, refusals } from './refusals.ts'
import type { Server } from './servers.ts'

/**
 * What becomes of a request:
 *
 *     a replica is ready ──▶ forward
 *     one will be        ──▶ hold, and wake one that sleeps if none comes by itself
 *     none will be       ──▶ refuse
 */
export type Decision =
  | ({ readonly is: 'forward' } & Choice)
  | {
      readonly is: 'hold'
      /** One of them is to be woken: the first that can be. */
      readonly wake: readonly Server[]
      readonly servers: readonly Server[]
    }
  | { readonly is: 'refuse'; readonly refusal: Refusal }

export interface Asked {
  readonly namespace: string
  /** The name in the request. */
  readonly model: string
  /** The hash of a conversation's beginning, if the request has one. */
  readonly key: number | undefined
  /** Counts the requests for that name which have no such hash. */
  readonly turn: number
  /** For how many milliseconds it has waited, and no server of its name was woken. */
  readonly waited: number
}

/** Autoscalers add a node within a few minutes: a server that finds no room is given so long. */
const hinderedMilliseconds = 180_000

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
  // Always the oldest first: other requests, and other gateways, must not wake another one each.
  const asleep = servers.filter(({ state }) => state === 'asleep')
  const awake = servers.filter(({ state }) => state === 'awake')
  if (!asleep.length && !awake.length) return { is: 'refuse', refusal: refusals.stopped(servers) }
  const suffices = awake.some(
    ({ isHindered }) => !isHindered || asked.waited < hinderedMilliseconds,
  )
  return { is: 'hold', wake: suffices ? [] : asleep, servers }
}

/**
 * A failed server may have Pods of its former template, which serve. Those of one that sleeps or was
 * stopped are about to end, so they get no new request.
 */
const mayServe = ({ state }: Server): boolean => state === 'awake' || state === 'failed'
