import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Options, optional, required } from './options.ts'
import { portUse } from './portuse.ts'
import { report } from './report.ts'

/**
 * Polls Jupyter on localhost, and ends with the message `idle` when there has been no activity for the
 * timeout. The container is then restarted, so its own start counts as activity.
 *
 * With --port the program may be something other than Jupyter, which reports no activity. Until a
 * Jupyter has written its token, connections to that port count as activity.
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

/** When the last activity was, in milliseconds; a busy kernel is active now. */
export function lastActivity({ status, kernels, terminals }: Activity, now: number): number {
  if (kernels.some(({ execution_state }) => execution_state === 'busy')) return now
  const times = [status, ...kernels, ...terminals].map(({ last_activity }) =>
    Date.parse(last_activity ?? ''),
  )
  return Math.max(0, ...times.filter(Number.isFinite))
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
  return portUse(read, port) === 'unused' ? 0 : Date.now()
}

/** The time of the last activity that can be seen now, in milliseconds. */
async function lastSeen(url: string, folder: string, port: string | undefined): Promise<number> {
  const server = serverIn(runtimeFiles(folder))
  if (server) return lastActivity(await activity(url, server), Date.now())
  if (port !== undefined) return lastConnection(Number(port))
  throw new Error(`no Jupyter has written to ${folder} yet`)
}

export async function main(options: Options): Promise<void> {
  const timeout = millisecondsOf(required(options, 'timeout'))
  const url = required(options, 'url')
  const port = optional(options, 'port')
  const folder = process.env.JUPYTER_RUNTIME_DIR ?? '/run/jupyter'
  const period = Math.min(60_000, Math.max(1000, timeout / 10))
  let since = Date.now()
  let printed = ''
  for (;;) {
    await sleep(period)
    let news = ''
    try {
      since = Math.max(since, await lastSeen(url, folder, port))
      if (Date.now() - since >= timeout) return report('idle')
      news = `last activity ${new Date(since).toISOString()}`
    } catch (error) {
      news = `cannot tell: ${error instanceof Error ? error.message : String(error)}`
    }
    if (news !== printed) console.log(news)
    printed = news
  }
}
