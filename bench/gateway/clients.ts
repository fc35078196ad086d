import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Wanted } from './modelserver.ts'
import type { Place } from './processes.ts'

/**
 * Clients that read streams of tokens. They write HTTP to plain sockets, because a real client would cost more
 * than what is measured.
 */

/** A conversation of some length, as requests have one. */
const messages = [
  { role: 'system', content: 'You answer questions about Kubernetes. '.repeat(40) },
  { role: 'user', content: 'What is a Pod?' },
]

function requestFor({ path, port }: Place, wanted: Wanted): Buffer {
  const body = JSON.stringify({ model: 'chat', stream: true, messages, ...wanted })
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    'authorization: Bearer good',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
}

interface Client {
  /** Resolves to the milliseconds until the first byte of the body, once the answer has ended. */
  readonly ask: (begun?: () => void) => Promise<number>
  readonly close: () => void
}

const nothing: Buffer = Buffer.alloc(0)
const lastChunk = Buffer.from('\r\n0\r\n\r\n')

async function clientOf(place: Place, wanted: Wanted): Promise<Client> {
  const request = requestFor(place, wanted)
  const socket: Socket = connect(place.port, '127.0.0.1').setNoDelay(true)
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return {
    ask: (begun) =>
      new Promise((resolve, reject) => {
        const sent = performance.now()
        let first: number | undefined
        let head: Buffer = nothing
        let tail: Buffer = nothing
        const end = (why?: string): void => {
          socket.off('data', read).off('close', closed)
          if (why || first === undefined) reject(new Error(`${place.name}: ${why}`))
          else resolve(first - sent)
        }
        const closed = (): void => end(`the connection was closed: ${head}`)
        /** What comes of the body with its first byte. */
        const begin = (piece: Buffer): Buffer => {
          head = Buffer.concat([head, piece])
          const at = head.indexOf('\r\n\r\n')
          const body = at < 0 ? nothing : head.subarray(at + 4)
          if (!body.length) return body
          first = performance.now()
          if (!head.subarray(0, 13).toString().endsWith(' 200 ')) end(String(head))
          else begun?.()
          return body
        }
        const read = (piece: Buffer): void => {
          const body = first === undefined ? begin(piece) : piece
          tail = Buffer.concat([tail, body]).subarray(-64)
          if (tail.subarray(-lastChunk.length).equals(lastChunk))
            end(tail.includes('[DONE]') ? undefined : `an answer was cut: ${tail}`)
        }
        socket.on('data', read).on('close', closed)
        socket.write(request)
      }),
    close: () => socket.destroy(),
  }
}

/** So many clients, each with a connection of its own. */
async function withClients<T>(
  count: number,
  place: Place,
  wanted: Wanted,
  use: (clients: readonly Client[]) => Promise<T>,
): Promise<T> {
  const clients = await Promise.all(Array.from({ length: count }, () => clientOf(place, wanted)))
  try {
    return await use(clients)
  } finally {
    for (const client of clients) client.close()
  }
}

/** Half a second at the pace of a fast model. */
const paced: Wanted = { tokens: 25, every: 20 }

/** The milliseconds until each first byte, while so many streams are open all the time. */
export const firstBytes = (place: Place, streams: number, seconds: number): Promise<number[]> =>
  withClients(streams, place, paced, async (clients) => {
    const times: number[] = []
    const end = performance.now() + seconds * 1000
    await Promise.all(
      clients.map(async ({ ask }, index) => {
        // They begin one after the other, so that their requests do not come all at once.
        await sleep((index / streams) * paced.tokens * paced.every)
        do times.push(await ask())
        while (performance.now() < end)
      }),
    )
    return times
  })

/** Tokens a second, of so many streams that take them as fast as they can. */
export const tokensPerSecond = (place: Place, streams: number, tokens: number): Promise<number> =>
  withClients(streams, place, { tokens, every: 0 }, async (clients) => {
    const start = performance.now()
    await Promise.all(clients.map(({ ask }) => ask()))
    return (streams * tokens) / ((performance.now() - start) / 1000)
  })

/** Opens so many streams, which go on slowly, and closes them after `use`. */
export const whileOpen = <T>(place: Place, streams: number, use: () => Promise<T>): Promise<T> =>
  withClients(streams, place, { tokens: 1_000_000, every: 500 }, async (clients) => {
    const begun = clients.map(
      ({ ask }) => new Promise<void>((resolve, reject) => void ask(resolve).catch(reject)),
    )
    await Promise.all(begun)
    return use()
  })
