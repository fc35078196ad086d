import { extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Pods } from '../pods.ts'
import {
  type Batch,
  type Limits,
  type Listening,
  type Start,
  type Turn,
  turnMilliseconds,
} from './messages.ts'
import type { Reports } from './reports.ts'
import { underWayIn } from './underway.ts'

/**
 * The address to which work reports its progress: plain HTTP on a port of its own that serves nothing else,
 * so that a line of shell in any image can use it, and no client of it can reach a hook. It has a thread of
 * its own, too: thousands of attempts may report each second, and all syncs would wait for their reports.
 */

export interface ReceiverOptions {
  readonly host: string
  readonly port: number
  readonly keys: () => readonly string[]
  readonly reports: Pick<Reports, 'put'>
  /** If absent, or while they are not known, any attempt may be under way. */
  readonly pods?: Pick<Pods, 'of' | 'isCurrent' | 'follow'> | undefined
  readonly metrics: Pick<Metrics, 'reports'>
  readonly log: Log
  readonly limits?: Limits
  /** The program of the thread, if it is another one. */
  readonly program?: URL
}

export interface Receiver {
  readonly port: number
  readonly stop: () => Promise<void>
}

/** Beside this file, whether these are TypeScript, JavaScript or a bundle. */
const ownProgram = new URL(`./receiverthread${extname(import.meta.url)}`, import.meta.url)

/** The pause before the thread is started again, in milliseconds; longer each time that it does not start. */
const shortestPause = 1000
const longestPause = 60_000

/**
 * Starts the receiver; resolves once it listens. If its thread ends, it is started again: reports decide
 * nothing, so hooks and admission must not end with it. Reports that have arrived remain in the main thread;
 * only how fast each attempt reports is forgotten.
 */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const { host, keys, reports, metrics, log, limits, program = ownProgram } = options
  const underWay = options.pods && underWayIn(options.pods)
  let { port } = options
  let toldKeys = keys()
  let worker: Worker
  let isStopping = false

  const turn = (): Turn => {
    const changed = underWay?.changed()
    const isRotated = toldKeys !== keys()
    toldKeys = keys()
    return { ...(isRotated && { keys: toldKeys }), ...(changed && { underWay: changed }) }
  }
  const received = (batch: Batch): void => {
    for (const [code, count] of batch.codes) metrics.reports.inc({ code }, count)
    for (const one of batch.reports) reports.put(one)
  }
  /** Resolves once the thread listens, to a promise of why it ended. */
  const run = async () => {
    toldKeys = keys()
    const start: Start = {
      host,
      port,
      keys: toldKeys,
      ...(underWay && { underWay: underWay.all() }),
      ...(limits && { limits }),
    }
    worker = new Worker(program, { workerData: start })
    const ended = endOf(worker)
    port = await portOf(worker, ended)
    takeTurns(worker, turn, received)
    // The thread ends with the server, and must not keep the process alive.
    worker.unref()
    return { ended }
  }
  const keepRunning = async (
    { ended }: { readonly ended: Promise<unknown> },
    pause = shortestPause,
  ): Promise<void> => {
    const err = await ended
    if (isStopping) return
    log.error({ err }, 'the thread that receives reports of progress has ended: starting it again')
    await sleep(pause, undefined, { ref: false })
    if (isStopping) return
    return run().then(keepRunning, (error) =>
      keepRunning({ ended: Promise.resolve(error) }, Math.min(2 * pause, longestPause)),
    )
  }
  void keepRunning(await run())
  return {
    port,
    stop: async () => {
      isStopping = true
      await worker.terminate()
    },
  }
}

/** Why a thread has ended, once it has. */
function endOf(worker: Worker): Promise<unknown> {
  let cause: unknown
  worker.on('error', (error) => {
    cause ??= error
  })
  return new Promise((resolve) => {
    worker.once('exit', (code) => resolve(cause ?? new Error(`it ended with exit code ${code}`)))
  })
}

/** The port on which a thread listens; rejects if it ends instead. */
function portOf(worker: Worker, ended: Promise<unknown>): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once('message', ({ port }: Listening) => resolve(port))
    void ended.then(reject)
  })
}

/** How many turns a thread may miss. They are counted, because the main thread may have been busy itself. */
const mostMissed = 20

/** Asks the thread for a batch each turn, and ends one that no longer answers. */
function takeTurns(worker: Worker, turn: () => Turn, received: (batch: Batch) => void): void {
  let missed = 0
  let isAwaited = false
  worker.on('message', (batch: Batch) => {
    isAwaited = false
    missed = 0
    received(batch)
  })
  const timer = setInterval(() => {
    if (isAwaited) {
      missed++
      if (missed === mostMissed) void worker.terminate()
      return
    }
    isAwaited = true
    worker.postMessage(turn())
  }, turnMilliseconds)
  timer.unref()
  worker.once('exit', () => clearInterval(timer))
}
