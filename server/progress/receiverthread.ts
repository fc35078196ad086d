import { parentPort, workerData } from 'node:worker_threads'
import { timeNow } from '../timenow.ts'
import { attemptsInMemory } from './attempts.ts'
import { progressHandler } from './handler.ts'
import { progressServer } from './httpserver.ts'
import type { Batch, Listening, Start, Turn } from './messages.ts'
import { underWayAsTold } from './underway.ts'

/**
 * The program of the receiver's thread. It imports little, because each module takes memory again in each
 * thread: no log, no metrics, no Express.
 */

const start = workerData as Start
const send = (message: Listening | Batch) => parentPort?.postMessage(message)

let { keys } = start
let codes = new Map<number, number>()
const attempts = attemptsInMemory({ steady: () => performance.now(), now: timeNow })
const underWay = underWayAsTold()
if (start.underWay) underWay.told(start.underWay)

parentPort?.on('message', (turn: Turn) => {
  if (turn.keys) keys = turn.keys
  if (turn.underWay) underWay.told(turn.underWay)
  send({ is: 'batch', reports: attempts.taken(), codes: [...codes] })
  codes = new Map()
})

const server = progressServer(
  progressHandler({
    keys: () => keys,
    attempts,
    isUnderWay: underWay.includes,
    answered: (code) => codes.set(code, (codes.get(code) ?? 0) + 1),
  }),
  start.limits,
)
server.listen(start.port, start.host, () => {
  const address = server.address()
  if (address && typeof address === 'object') send({ is: 'listening', port: address.port })
})
