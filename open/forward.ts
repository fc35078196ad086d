import { createServer, type Socket } from 'node:net'
import { PassThrough, type Readable, Writable } from 'node:stream'
import { type KubeConfig, PortForward } from '@kubernetes/client-node'
import type WebSocket from 'ws'
import { socketsOf } from './sockets.ts'

/** The Pod and port that connections are forwarded to. */
export interface Destination {
  readonly pod: string
  /** Differs between Pods of the same name, and between restarts of the container. */
  readonly instance: string
  readonly port: number
}

export interface Forward {
  /** The local port, on loopback. */
  readonly port: number
  /** Resolves if something answers there; rejects with the reason if not. */
  readonly probe: (destination: Destination, path: string) => Promise<void>
  /** Forwards connections to another destination; without one, they are closed. */
  readonly connectTo: (destination: Destination | undefined) => void
  readonly close: () => void
}

interface Options {
  readonly kubeConfig: KubeConfig
  readonly namespace: string
  /** The port that the user requested; no other will do. */
  readonly wanted?: number
  /** The port to prefer; if it is in use, any free port will do. */
  readonly preferred: number
  /** Called when a connection ended without being closed by either end. */
  readonly broke: (destination: Destination, error: unknown) => void
}

/** Listens on a local port, and forwards each connection through a WebSocket to a Pod's port. */
export async function forward(options: Options): Promise<Forward> {
  const { wanted, preferred, broke } = options
  const sockets = new Set<Socket>()
  let current: Destination | undefined

  const server = createServer((socket) => {
    const destination = current
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    if (!destination) return void socket.destroy()
    const failed = (error: unknown) => {
      const ended = socket.destroyed
      socket.destroy()
      if (!ended && destination === current) broke(destination, error)
    }
    connect(options, destination, socket, socket, failed).then(
      (tunnel) => {
        // The browser has disconnected in the meantime.
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
    probe: (destination, path) => answers(options, destination, path),
    connectTo: (destination) => {
      if (destination?.instance !== current?.instance)
        for (const socket of sockets) socket.destroy()
      current = destination
    },
    close: () => {
      current = undefined
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** The kubelet's protocol for ports: frames with a stream number and bytes; no half-closing. */
const protocols = ['v4.channel.k8s.io']
const closedWell = [1000, 1001, 1005]

/** The kubelet sends frames of about 32 KiB. */
const maxFrameBytes = 16 * 1024 * 1024

/** Enough for the sentence in which the kubelet reports why a connection failed. */
const maxErrorLength = 4096

async function connect(
  { kubeConfig, namespace }: Options,
  destination: Destination,
  input: Readable,
  output: Writable,
  failed: (error: Error) => void,
): Promise<WebSocket> {
  let reported = ''
  const errors = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (reported.length < maxErrorLength) reported += chunk
      done()
    },
  })
  const portForward = new PortForward(
    kubeConfig,
    true,
    socketsOf(kubeConfig, protocols, maxFrameBytes),
  )
  // Without retries this is one socket, and not a function that returns the current one.
  const tunnel = (await portForward.portForward(
    namespace,
    destination.pod,
    [destination.port],
    output,
    errors,
    input,
  )) as WebSocket
  tunnel.on('close', (code) => {
    if (reported || !closedWell.includes(code))
      failed(new Error(reported.trim() || 'it was cut off'))
  })
  return tunnel
}

const maxBuffered = 1024 * 1024

/** Backpressure: the sender waits for the receiver, so that memory does not fill up. */
function slowDown(socket: Socket, tunnel: WebSocket): void {
  tunnel.on('message', () => {
    if (socket.writableLength < maxBuffered || tunnel.isPaused) return
    tunnel.pause()
    socket.once('drain', () => tunnel.resume())
  })
  socket.on('data', () => {
    if (tunnel.bufferedAmount < maxBuffered) return
    socket.pause()
    const again = setInterval(() => {
      if (tunnel.bufferedAmount >= maxBuffered && tunnel.readyState === tunnel.OPEN) return
      clearInterval(again)
      socket.resume()
    }, 10)
  })
}

const timeoutMilliseconds = 15_000

/** Any response shows that a server is listening, even an error. */
async function answers(options: Options, destination: Destination, path: string): Promise<void> {
  let tunnel: WebSocket | undefined
  let late: NodeJS.Timeout | undefined
  const input = new PassThrough()
  try {
    await new Promise<void>((resolve, reject) => {
      late = setTimeout(
        () => reject(new Error(`nothing answers on port ${destination.port}`)),
        timeoutMilliseconds,
      )
      const output = new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          if (chunk.length) resolve()
          done()
        },
      })
      connect(options, destination, input, output, reject).then((opened) => {
        tunnel = opened
        opened.on('close', () =>
          reject(new Error(`port ${destination.port} was closed without an answer`)),
        )
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
