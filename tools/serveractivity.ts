import { connect, isIPv6 } from 'node:net'
import { text } from 'node:stream/consumers'
import { bodyUpTo } from './bounded.ts'
import { type Options, optional, required } from './options.ts'
import { ownAddresses } from './ownaddresses.ts'
import { sumsIn } from './prometheus.ts'

/**
 * When a server was last busy, by performance.now(): by its own metrics, or by the relay in front of it.
 * Undefined while it does not answer its readiness path: it is starting, which counts as activity. It is
 * looked for at `addresses`; the hosts in the options do not count.
 */
export function serverActivity(
  options: Options,
  addresses = ownAddresses,
): () => Promise<number | undefined> {
  const health = required(options, 'health')
  const last = optional(options, 'metrics') ? byMetrics(options) : byRelay(options)
  return async () => {
    for (const address of addresses())
      if (await isAnswering(urlAt(address, health))) return last(address)
    return undefined
  }
}

/** The same URL at another address. */
function urlAt(address: string, url: string): string {
  const there = new URL(url)
  there.hostname = isIPv6(address) ? `[${address}]` : address
  return there.href
}

/** An error that waiting does not change: the server does not count, or counts something else. */
class Doubt extends Error {}

export const isDoubt = (error: unknown): boolean => error instanceof Doubt

const patience = () => AbortSignal.timeout(10_000)

/** As the kubelet's readiness probe sees it. */
async function isAnswering(url: string): Promise<boolean> {
  try {
    const { status, body } = await fetch(url, { redirect: 'manual', signal: patience() })
    await body?.cancel()
    return status >= 200 && status < 400
  } catch {
    return false
  }
}

/** A server with many models has a megabyte. */
const mostBytes = 16 * 2 ** 20

/** Busy are requests that run or wait, and a counter that differs from the one before. */
function byMetrics(options: Options): (address: string) => Promise<number> {
  const url = required(options, 'metrics')
  const running = optional(options, 'running')
  const waiting = optional(options, 'waiting')
  const counters = options.activity ?? []
  const gauges = [running, waiting].filter((name) => name !== undefined)
  let before: string | undefined
  return async (address) => {
    const sums = sumsIn(await metricsOf(urlAt(address, url)), [...gauges, ...counters])
    const missing = running !== undefined && !sums.has(running) ? running : undefined
    if (missing) throw new Doubt(`${pathOf(url)} has no metric ${missing}`)
    const counted = counters.filter((name) => sums.has(name))
    if (!counted.length) throw new Doubt(`${pathOf(url)} has none of ${counters.join(', ')}`)
    const now = JSON.stringify(counted.map((name) => [name, sums.get(name)]))
    const isChanged = before !== undefined && before !== now
    before = now
    return isChanged || gauges.some((name) => (sums.get(name) ?? 0) > 0) ? performance.now() : 0
  }
}

const pathOf = (url: string): string => new URL(url).pathname

async function metricsOf(url: string): Promise<string> {
  const response = await fetch(url, { signal: patience() })
  if (!response.ok) {
    await response.body?.cancel()
    const message = `${pathOf(url)} answers ${response.status}`
    // 501 is what llama.cpp answers without --metrics.
    throw response.status < 500 || response.status === 501 ? new Doubt(message) : new Error(message)
  }
  const body = await bodyUpTo(mostBytes, response)
  if (!body) throw new Doubt(`${pathOf(url)} has more than ${mostBytes} bytes`)
  return body.toString()
}

/** The relay answers each connection to its socket with the milliseconds since the last activity. */
function byRelay(options: Options): () => Promise<number> {
  const path = required(options, 'relay')
  return async () => {
    const answer = await text(connect({ path, signal: patience() }))
    if (!/^\d+$/.test(answer)) throw new Error(`the relay answers "${answer.slice(0, 100)}"`)
    return performance.now() - Number(answer)
  }
}
