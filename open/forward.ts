import { createServer, type Socket } from 'node:net'
import { PassThrough, Writable } from 'node:stream'
import type { KubeConfig } from '@kubernetes/client-node'
import type WebSocket from 'ws'
import { connect, type Destination, slowDown } from './tunnel.ts'

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

/** The error for a port that the user requested. */
export function portRefused(port: number, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException
  const why = code === 'EADDRINUSE' ? 'is in use' : `cannot be had (${code})`
  return new Error(
    `port ${port} of this machine ${why}: choose another, or leave --port out for a free one`,
  )
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
    if (wanted !== undefined) throw portRefused(wanted, error)
    await on(0)
  }
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
