import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { doubtsIn } from './doubts.ts'
import { type Options, optional, required } from './options.ts'
import { portUse } from './portuse.ts'
import { report } from './report.ts'
import { isDoubt, serverActivity } from './serveractivity.ts'

/**
 * Polls Jupyter or a server on localhost, and ends with the message `idle` when there has been no
 * activity for the timeout. The container is then restarted, so its own start counts as activity.
 *
 * Beside a server, it also ends when it cannot tell, so that the hooks learn why.
 *
 * With --port the program may be something other than Jupyter, which reports no activity. Until a
 * Jupyter has written its token, connections to that port count as activity.
 *
 * All times are those of performance.now(): the clock of a node may be set while the watch runs.
 */

interface Kernel {
  readonly execution_state?: string
  readonly last_activity?: string
}

export interface Activity {
  readonly status: { readonly last_activity?: string }
  readonly kernels: readonly Kernel[]
  readonly terminals: readonly { readonly last_activity?: string }[]
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A duration as Kubernetes writes it: 90m, 1h30m. */
export function millisecondsOf(duration: string): number {
  const parts = [...duration.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)]
  const whole = parts.map(([text]) => text).join('')
  if (!parts.length || whole !== duration) throw new Error(`"${duration}" is no duration`)
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0), 0)
}

const isBusy = ({ kernels }: Activity): boolean =>
  kernels.some(({ execution_state }) => execution_state === 'busy')

/** Jupyter says when something happened by the clock of the node; here it matters only whether that is news. */
const timesOf = ({ status, kernels, terminals }: Activity): string =>
  JSON.stringify([status, ...kernels, ...terminals].map(({ last_activity }) => last_activity))

/**
 * When Jupyter was last seen active: now, if a kernel is busy or anything happened after the last poll. The
 * first poll counts, because nobody knows what happened before it.
 */
export function jupyterTimes(): (activity: Activity, now: number) => number {
  let before: string | undefined
  let last = 0
  return (activity, now) => {
    const times = timesOf(activity)
    if (isBusy(activity) || times !== before) last = now
    before = times
    return last
  }
}

interface Server {
  readonly token: string
  readonly base: string
}

/** Jupyter writes its token to a file when it starts, and to another file when it is restarted. */
export function serverIn(files: readonly string[]): Server | undefined {
  for (const text of files) {
    try {
      const { token, base_url } = JSON.parse(text) as { token?: string; base_url?: string }
      if (token !== undefined) return { token, base: base_url ?? '/' }
    } catch {
      // Half written: the next poll finds it complete.
    }
  }
  return undefined
}

const runtimeFiles = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => /^jpserver-\d+\.json$/.test(name))
    .map((name) => readFileSync(join(folder, name), 'utf8'))

async function activity(url: string, { token, base }: Server): Promise<Activity> {
  const ask = async (path: string) => {
    // Without this parameter, polling would itself count as activity.
    const address = new URL(`${base}api/${path}?no_track_activity=1`, url)
    const response = await fetch(address, {
      headers: { authorization: `token ${token}` },
      signal: AbortSignal.timeout(10_000),
    })
    // A Jupyter without terminals has no such route.
    if (response.status === 404) return []
    if (!response.ok) throw new Error(`${address.pathname} answers ${response.status}`)
    return response.json()
  }
  const [status, kernels, terminals] = await Promise.all([
    ask('status'),
    ask('kernels'),
    ask('terminals'),
  ])
  return { status, kernels, terminals } as Activity
}

const tables = ['/proc/net/tcp', '/proc/net/tcp6']

/** A connection counts as activity, and so does a program that does not listen yet: it is starting. */
function lastConnection(port: number): number {
  const read = tables.filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'))
  return portUse(read, port) === 'unused' ? 0 : performance.now()
}

/** The time of the last activity of a Jupyter, or of the program in its place. */
function jupyterActivity(options: Options): () => Promise<number> {
  const url = required(options, 'url')
  const port = optional(options, 'port')
  const folder = process.env.JUPYTER_RUNTIME_DIR ?? '/run/jupyter'
  const lastOf = jupyterTimes()
  return async () => {
    const server = serverIn(runtimeFiles(folder))
    if (server) return lastOf(await activity(url, server), performance.now())
    if (port !== undefined) return lastConnection(Number(port))
    throw new Error(`no Jupyter has written to ${folder} yet`)
  }
}

/** Until it can tell for the first time, it polls more often, so that a doubt is reported early. */
const firstPeriod = 5000

export async function main(options: Options): Promise<void> {
  const timeout = millisecondsOf(required(options, 'timeout'))
  const isServer = optional(options, 'health') !== undefined
  const last = isServer ? serverActivity(options) : jupyterActivity(options)
  const doubts = isServer ? doubtsIn(required(options, 'folder')) : undefined
  const period = Math.min(60_000, Math.max(1000, timeout / 10))
  let since = performance.now()
  let told: number | undefined
  let printed = ''
  for (;;) {
    await sleep(told === undefined && isServer ? Math.min(period, firstPeriod) : period)
    let news = ''
    try {
      const seen = await last()
      const now = performance.now()
      since = Math.max(since, seen ?? now)
      if (seen !== undefined) told = now
      if (doubts?.(seen === undefined ? undefined : 'can tell', now))
        return report('can tell again')
      if (now - since >= timeout) return report('idle')
      news = `last activity ${wallTime(since)}`
    } catch (error) {
      news = `cannot tell: ${reasonOf(error)}`
      const now = performance.now()
      const isLong = now - Math.max(told ?? since, since) >= timeout
      const insight = isDoubt(error) || isLong ? 'cannot tell' : undefined
      if (doubts?.(insight, now)) return report(news)
    }
    if (news !== printed) console.log(news)
    printed = news
  }
}

/** For the log alone. */
const wallTime = (time: number): string =>
  new Date(performance.timeOrigin + time).toISOString().replace(/\.\d+Z$/, 'Z')

/** `fetch failed` says nothing: its cause does. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message ? error.cause.message : error.message
}
