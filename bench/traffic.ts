import { connect } from 'node:net'

export interface Load {
  readonly port: number
  readonly path: string
  readonly body: string
  readonly seconds: number
}

export interface Answered {
  readonly perSecond: number
  /** Milliseconds from the first byte sent to the last received. */
  readonly p50: number
  readonly p99: number
}

const connections = 4

/**
 * Requests one path as fast as the server responds, on a few keep-alive connections. It writes HTTP to
 * plain sockets, because a real client would cost more than the server that is measured.
 */
export async function load(of: Load): Promise<Answered> {
  const times: number[] = []
  const start = performance.now()
  const end = start + of.seconds * 1000
  await Promise.all(Array.from({ length: connections }, () => converse(of, end, times)))
  const seconds = (performance.now() - start) / 1000
  times.sort((a, b) => a - b)
  const quantile = (q: number) => times[Math.floor(q * (times.length - 1))] ?? 0
  return { perSecond: times.length / seconds, p50: quantile(0.5), p99: quantile(0.99) }
}

function converse({ port, path, body }: Load, end: number, times: number[]): Promise<void> {
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: bench',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ].join('\r\n')
  const request = Buffer.from(`${head}\r\n\r\n${body}`)
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let sent = 0
    let received = Buffer.alloc(0)
    const ask = () => {
      sent = performance.now()
      socket.write(request)
    }
    socket.setNoDelay(true)
    socket.on('connect', ask)
    socket.on('error', reject)
    socket.on('close', () => resolve())
    socket.on('data', (chunk) => {
      received = received.length ? Buffer.concat([received, chunk]) : chunk
      const length = lengthOf(received)
      if (length === undefined || received.length < length) return
      if (!received.subarray(0, 15).toString().includes(' 200 '))
        return socket.destroy(new Error(`${path}: ${received.toString()}`))
      times.push(performance.now() - sent)
      received = Buffer.alloc(0)
      if (performance.now() < end) ask()
      else socket.end()
    })
  })
}

/** The length of the response, headers and body; undefined until the headers are complete. */
function lengthOf(received: Buffer): number | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = received.subarray(0, end).toString().toLowerCase()
  const length = /content-length: (\d+)/.exec(head)?.[1]
  if (!length) throw new Error(`an answer without content-length: ${head}`)
  return end + 4 + Number(length)
}
