import { setTimeout as sleep } from 'node:timers/promises'
import { applyMany, denseLoad, type Load, startLoad } from './applying.ts'
import type { Bed } from './bed.ts'
import {
  apiServerAway,
  certificateAndTokensRotate,
  clockMoves,
  etcdPauses,
  metacontrollerDies,
  refusals,
  restartEach,
  rollingRestarts,
  serversDie,
  slow,
  watchesEnd,
  webhookRestarts,
  withFullDisk,
} from './happenings.ts'

/** A fault, and what people notice of it while they apply. */
export interface Fault {
  readonly name: string
  /** The errors that an apply may return meanwhile; if absent, none may fail. */
  readonly mayFail?: RegExp
  readonly load?: (namespace: string) => Load
  readonly happen: (bed: Bed) => Promise<void>
}

const steady = (namespace: string) => startLoad(namespace)
const dense = (namespace: string) => denseLoad(namespace)
const many = (namespace: string) => applyMany(namespace, 500, 20)

/** Nothing listens, or what listened has just died. */
const unreachable =
  /ECONNREFUSED|ECONNRESET|EPIPE|socket hang up|no response in time|aborted|before all known HTTP paths|not yet ready to handle request|storage is \(re\)initializing|failed calling webhook "validate/
const withoutWebhook = /failed calling webhook "validate\.substratus\.ai"/
/** Admission has answered, for objects that refer to others. */
const withoutReferences =
  /failed calling webhook "validate\.substratus\.ai": .*the references cannot be looked up/

/** With what the others are compared: as long as most of them, and with servers that have just restarted. */
export const nothing: Fault = {
  name: 'nothing fails',
  happen: async (bed) => {
    await restartEach(bed)
    await sleep(60_000)
  },
}

export const faults: readonly Fault[] = [
  { name: 'the API server restarts', mayFail: unreachable, happen: () => apiServerAway(0) },
  {
    name: 'the API server is away for 60 s',
    mayFail: unreachable,
    happen: () => apiServerAway(60),
  },
  // A look-up is given 4 s, so that even then no apply fails.
  { name: 'the API server takes 2 s for each response', happen: slow },
  {
    name: 'etcd pauses for 20 s',
    mayFail:
      /etcdserver: |no response in time|context deadline|Timeout|timed out|failed calling webhook "validate/,
    happen: etcdPauses,
  },
  { name: 'watches are cut, and their versions are gone', happen: watchesEnd },
  {
    name: 'the API server answers 429 and 500 for 60 s',
    mayFail: withoutReferences,
    happen: refusals,
  },
  { name: 'Metacontroller is killed during syncs', happen: metacontrollerDies },
  { name: 'both servers are killed during requests', mayFail: withoutWebhook, happen: serversDie },
  {
    name: '20 clients apply 500 objects while both servers restart at once',
    mayFail: withoutWebhook,
    load: many,
    happen: webhookRestarts,
  },
  {
    name: 'two replicas restart one after the other, 20 times',
    load: dense,
    happen: rollingRestarts,
  },
  { name: 'the clock of the servers is an hour ahead, and then right again', happen: clockMoves },
  { name: 'the disk for the logs is full', happen: withFullDisk },
  { name: 'the certificate and all tokens are rotated', happen: certificateAndTokensRotate },
]

export const loadOf = ({ load = steady }: Fault, namespace: string): Load => load(namespace)

/** How long objects are applied before and after the fault. */
export const calm = () => sleep(4000)
