import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SecureContextOptions } from 'node:tls'

/** What clients measure: how many answers a second, and how long each took, in milliseconds. */
export interface Measured {
  readonly perSecond: number
  readonly times: readonly number[]
}

export interface Target {
  readonly url: string
  readonly path: string
  readonly body: string
  /** The CA of the server, and the certificate of the client if it has one. */
  readonly tls: Pick<SecureContextOptions, 'ca' | 'cert' | 'key'>
}

const send = ({ url, path, body }: Target, agent: Agent): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }
    const sent = request(`${url}${path}`, { method: 'POST', headers, agent }, (answer) => {
      let said = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk
      })
      answer.on('end', () =>
        (answer.statusCode ?? 0) < 300 ? resolve() : reject(new Error(`${path}: ${said}`)),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })

/** When clients stop: after some time, or so many requests of all together, whichever comes first. */
interface Until {
  readonly seconds?: number
  readonly requests?: number
}

/** Each of the clients sends its next request when the last one is answered. */
export async function asFastAsPossible(
  target: Target,
  clients: number,
  { seconds = Number.POSITIVE_INFINITY, requests = Number.POSITIVE_INFINITY }: Until,
): Promise<Measured> {
  const agent = new Agent({ ...target.tls, keepAlive: true, maxSockets: clients })
  const times: number[] = []
  let started = 0
  const start = performance.now()
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (started < requests && performance.now() - start < seconds * 1000) {
        started++
        const sent = performance.now()
        await send(target, agent)
        times.push(performance.now() - sent)
      }
    }),
  )
  agent.destroy()
  return { perSecond: times.length / ((performance.now() - start) / 1000), times }
}

/**
 * Sends `count` requests at a fixed rate, whether or not the earlier ones are answered. A time counts from
 * when the request was due, so that a server that stalls cannot hide it.
 */
export async function atRate(target: Target, perSecond: number, count: number): Promise<Measured> {
  const agent = new Agent({ ...target.tls, keepAlive: true, maxSockets: 32 })
  const times: number[] = []
  const start = performance.now()
  const all: Promise<void>[] = []
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - start) / 1000) * perSecond) + 1)
    for (; sent < due; sent++) {
      const at = start + (sent / perSecond) * 1000
      all.push(send(target, agent).then(() => void times.push(performance.now() - at)))
    }
    await sleep(1)
  }
  await Promise.all(all)
  agent.destroy()
  return { perSecond: count / ((performance.now() - start) / 1000), times }
}
