import { Agent, request } from 'node:http'
import { setTimeout as after } from 'node:timers/promises'

/**
 * Tells the server how far a program is, which `kubectl get` then shows. A report may be lost: nothing fails
 * because of it, and only the last one is waited for, briefly.
 */

export interface Amount {
  readonly step: number
  /** How many there are, if that is known. */
  readonly of?: number | undefined
  readonly message?: string
}

/** Nobody would notice more frequent reports. */
const everyMilliseconds = 5000
/** Work that ends sooner reports once, at its end. */
const firstAfter = 1000
const timeout = 5000
/**
 * How long the end of the work waits for the response to the last report. That may be sent twice, a second
 * apart, so the end comes at most three seconds later.
 */
const lastTimeout = 1000

export interface Reporter {
  readonly report: (amount: Amount) => void
  /** Sends what has not been sent, before the program ends. */
  readonly last: () => Promise<void>
}

/** Reports to an address, at most every few seconds: of what comes in between, the last is sent later. */
export function reporterTo(address: string | undefined, every = everyMilliseconds): Reporter {
  if (!isHttp(address)) return { report: () => {}, last: async () => {} }
  let from = performance.now() + Math.min(every, firstAfter)
  let newest: Amount
  let waiting: NodeJS.Timeout | undefined
  const send = (): void => {
    waiting = undefined
    from = performance.now() + every
    post(address, newest).on('socket', (socket) => socket.unref())
  }
  return {
    report: (amount) => {
      newest = amount
      if (waiting) return
      const wait = from - performance.now()
      // A step of a build may be silent for an hour: without this timer, its report would be sent only after that.
      if (wait > 0) waiting = setTimeout(send, wait).unref()
      else send()
    },
    last: async () => {
      if (!waiting) return
      clearTimeout(waiting)
      waiting = undefined
      if ((await answered(address, newest)) !== tooFast) return
      await after(1000)
      await answered(address, newest)
    },
  }
}

/** The server takes one report a second. */
const tooFast = 429

/** Not through a proxy, which would not know the cluster's Services. */
const agent = new Agent()

function post(address: string, amount: Amount) {
  const sent = request(address, { method: 'POST', timeout, agent }, (answer) => answer.resume())
  sent.on('error', () => {})
  sent.on('timeout', () => sent.destroy())
  sent.end(JSON.stringify(amount))
  return sent
}

/** The status of the response, if there is one soon. */
const answered = (address: string, amount: Amount): Promise<number | undefined> =>
  new Promise((resolve) => {
    const sent = post(address, amount)
    const late = setTimeout(() => sent.destroy(), lastTimeout)
    sent.on('response', ({ statusCode }) => resolve(statusCode))
    sent.on('close', () => {
      clearTimeout(late)
      resolve(undefined)
    })
  })

/** spec.env may have another address, and a request to one that cannot be would throw. */
const isHttp = (address: string | undefined): address is string =>
  address !== undefined && URL.parse(address)?.protocol === 'http:'

export const { report: reportProgress, last: lastProgress } = reporterTo(
  process.env.SUBSTRATUS_PROGRESS_URL,
)

/** Counts bytes and reports them. */
export function byteCounter(
  of: number | undefined,
  report: (amount: Amount) => void = reportProgress,
): (bytes: number) => void {
  let step = 0
  return (bytes) => {
    step += bytes
    report({ step, of })
  }
}

const unitSize: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** What rclone prints every few seconds: `1.5 GiB / 10 GiB, 15%, 100 MiB/s, ETA 1m`. */
export function rcloneAmount(text: string): Amount | undefined {
  const found = [...text.matchAll(/([\d.]+) ([KMGT]?i?B) \/ ([\d.]+) ([KMGT]?i?B), \d+%/g)].at(-1)
  if (!found) return undefined
  const [, done = '', doneUnit = '', all = '', allUnit = ''] = found
  const bytes = (count: string, unit: string) => Math.round(Number(count) * (unitSize[unit] ?? 0))
  return { step: bytes(done, doneUnit), of: bytes(all, allUnit) }
}

/** Reports what rclone prints. */
export function reportRclone(text: string): void {
  const amount = rcloneAmount(text)
  if (amount) reportProgress(amount)
}

/** What BuildKit prints when a step begins: `#7 [build 3/5] RUN make`; each stage counts its own steps. */
export function buildSteps(): (text: string) => Amount | undefined {
  const stages = new Map<string, { readonly at: number; readonly of: number }>()
  let rest = ''
  return (text) => {
    const lines = `${rest}${text}`.split('\n')
    rest = (lines.pop() ?? '').slice(-longestLine)
    let message: string | undefined
    for (const line of lines) {
      const [, stage = '', at, of, what] =
        /^#\d+ \[(?:(\S+) +)?(\d+)\/(\d+)\] (.*)$/.exec(line) ?? []
      if (at === undefined) continue
      const before = stages.get(stage)?.at ?? 0
      stages.set(stage, { at: Math.max(before, Number(at)), of: Number(of) })
      message = what
    }
    if (message === undefined) return undefined
    const sum = (of: 'at' | 'of') => [...stages.values()].reduce((all, one) => all + one[of], 0)
    return { step: sum('at'), of: sum('of'), message: message.slice(0, 200) }
  }
}

/** Of a longer line, only the end is looked at. */
const longestLine = 10_000
