import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The processes of the benchmark, each a program beside this file, so that none inherits what another leaves behind. */

interface Ports {
  /** Where requests are answered. */
  readonly port: number
  /** Where progress is reported. */
  readonly progress: number
}

export interface Process {
  readonly ports: Ports
  /** Sends a message and resolves to the response. */
  readonly ask: (message: string) => Promise<unknown>
  readonly end: () => void
}

/** Resolves once the process has sent its ports. */
export async function started(file: string, ...args: readonly string[]): Promise<Process> {
  const child = fork(join(import.meta.dirname, file), args)
  return {
    ports: (await answerOf(child)) as Ports,
    ask: (message) => {
      child.send(message)
      return answerOf(child)
    },
    end: () => child.disconnect(),
  }
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => {
      reject(new Error(`${child.spawnargs[1]} ended with exit code ${code}`))
    }
    child.once('exit', ended)
    child.once('message', (answer) => {
      child.off('exit', ended)
      resolve(answer)
    })
  })
}

/** Milliseconds until reports flow, and until those that were sent last are answered. */
const settling = 100

export interface ReportedTo {
  /** Runs the measurement while the attempts report. */
  readonly during: <T>(measure: () => Promise<T>) => Promise<T>
  /** How many reports the receiver has accepted in each second during which they were sent. */
  readonly perSecond: () => Promise<number>
  readonly end: () => void
}

/** Attempts that report to a process. */
export async function reportsTo(to: Process, attempts: number): Promise<ReportedTo> {
  const accepted = async () => Number(await to.ask('reports'))
  const senders = await started('reporters.ts', String(to.ports.progress), String(attempts))
  const before = await accepted()
  let seconds = 0
  return {
    during: async (measure) => {
      const start = performance.now()
      await senders.ask('toggle')
      await sleep(settling)
      const measured = await measure()
      await senders.ask('toggle')
      seconds += (performance.now() - start) / 1000
      await sleep(settling)
      return measured
    },
    perSecond: async () => ((await accepted()) - before) / seconds,
    end: senders.end,
  }
}
