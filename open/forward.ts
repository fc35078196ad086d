import { createServer, type Socket } from 'node:net'
import { PassThrough, type Readable, Writable } from 'node:stream'
import { type KubeConfig, PortForward } from '@kubernetes/client-node'
import type WebSocket from 'ws'
import { socketsOf } from './sockets.ts'

/** The Pod that connections go to, and its port. */
export interface Aim {
  readonly pod: string
  /** Tells a Pod from the next one of its name. */
  readonly instance: string
  readonly port: number
}

export interface Forward {
  /** The local port, on loopback. */
  readonly port: number
  /** Whether something answers there; rejects with the reason why not. */
  readonly probe: (aim: Aim, path: string) => Promise<void>
  /** Where connections go from now on; without an aim they are closed. */
  readonly aim: (aim: Aim | undefined) => void
  readonly close: () => void
}

interface Options {
  readonly kubeConfig: KubeConfig
  readonly namespace: string
  /** The port that the person wants; it is then this one or none. */
  readonly wanted?: number
  /** The port to prefer; when it is taken, any will do. */
  readonly preferred: number
  /** A connection ended otherwise than by its two ends. */
  readonly broke: (aim: Aim, error: unknown) => void
}

/** A local port, of which each connection is a WebSocket to a Pod's port. */
export async function forward(options: Options): Promise<Forward> {
  const { wanted, preferred, broke } = options
  const sockets = new Set<Socket>()
  let current: Aim | undefined

  const server = createServer((socket) => {
    const aim = current
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    if (!aim) return void socket.destroy()
    const failed = (error: unknown) => {
      const ended = socket.destroyed
      socket.destroy()
      if (!ended && aim === current) broke(aim, error)
    }
    connect(options, aim, socket, socket, failed).then(
      (tunnel) => {
        // The browser has gone meanwhile.
        if (socket.destroyed) return tunnel.terminate()
        socket.on('close', () => tunnel.close())
        tunnel.on('close', () => socket.end())
        slowDown(socket, tunnel)
      },
      (error: unknown) => failed(error),
    )
  })
  const port = await listening(server, wanted, preferred)
  return {
    port,
    probe: (aim, path) => answers(options, aim, path),
    aim: (aim) => {
      if (aim?.instance !== current?.instance) for (const socket of sockets) socket.destroy()
      current = aim
    },
    close: () => {
      current = undefined
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** kubelets speak this one for ports: frames of a stream's number and its bytes, no half-closing. */
const protocols = ['v4.channel.k8s.io']
const closedWell = [1000, 1001, 1005]

/** The kubelet sends frames of about 32 KiB. */
const largestFrame = 16 * 1024 * 1024

/** Enough for the one sentence that says why a connection failed. */
const mostWords = 4096

async function connect(
  { kubeConfig, namespace }: Options,
  aim: Aim,
  input: Readable,
  output: Writable,
  failed: (error: Error) => void,
): Promise<WebSocket> {
  let words = ''
  const errors = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (words.length < mostWords) words += chunk
      done()
    },
  })
  const portForward = new PortForward(
    kubeConfig,
    true,
    socketsOf(kubeConfig, protocols, largestFrame),
  )
  // Without retries it is one socket, and no function that gives the present one.
  const tunnel = (await portForward.portForward(
    namespace,
    aim.pod,
    [aim.port],
    output,
    errors,
    input,
  )) as WebSocket
  tunnel.on('close', (code) => {
    if (words || !closedWell.includes(code)) failed(new Error(words.trim() || 'it was cut off'))
  })
  return tunnel
}

const much = 1024 * 1024

/** Whoever sends faster than the other end reads has to wait: memory is not for that. */
function slowDown(socket: Socket, tunnel: WebSocket): void {
  tunnel.on('message', () => {
    if (socket.writableLength < much || tunnel.isPaused) return
    tunnel.pause()
    socket.once('drain', () => tunnel.resume())
  })
  socket.on('data', () => {
    if (tunnel.bufferedAmount < much) return
    socket.pause()
    const again = setInterval(() => {
      if (tunnel.bufferedAmount >= much && tunnel.readyState === tunnel.OPEN) return
      clearInterval(again)
      socket.resume()
    }, 10)
  })
}

const patienceMilliseconds = 15_000

/** Any answer will do, a refusal too: somebody is there. */
async function answers(options: Options, aim: Aim, path: string): Promise<void> {
  let tunnel: WebSocket | undefined
  let late: NodeJS.Timeout | undefined
  const input = new PassThrough()
  try {
    await new Promise<void>((resolve, reject) => {
      late = setTimeout(
        () => reject(new Error(`nothing answers on port ${aim.port}`)),
        patienceMilliseconds,
      )
      const output = new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          if (chunk.length) resolve()
          done()
        },
      })
      connect(options, aim, input, output, reject).then((opened) => {
        tunnel = opened
        opened.on('close', () => reject(new Error(`port ${aim.port} was closed without an answer`)))
        input.write(`GET ${path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n`)
      }, reject)
    })
  } finally {
    clearTimeout(late)
    tunnel?.terminate()
  }
}

async function listening(
  server: ReturnType<typeof createServer>,
  wanted: number | undefined,
  preferred: number,
): Promise<number> {
  const on = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject)
        resolve()
      })
    })
  try {
    await on(wanted ?? preferred)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (wanted !== undefined)
      throw new Error(
        `port ${wanted} of this machine ${code === 'EADDRINUSE' ? 'is in use' : `cannot be had (${code})`}: choose another, or leave --port out for a free one`,
      )
    await on(0)
  }
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
