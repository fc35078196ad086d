import { type Duplex, type Readable, Writable } from 'node:stream'
import { PortForward } from '@kubernetes/client-node'
import type WebSocket from 'ws'
import type { Cluster } from '../cluster/kubeconfig.ts'
import { socketsOf } from './sockets.ts'

/** One connection to a Pod's port, through a WebSocket of its own. */

/** The Pod and port that connections are forwarded to. */
export interface Destination {
  readonly pod: string
  /** Differs between Pods of the same name, and between restarts of the container. */
  readonly instance: string
  readonly port: number
}

/** The kubelet's protocol for ports: frames with a stream number and bytes; no half-closing. */
const protocols = ['v4.channel.k8s.io']
const closedWell = [1000, 1001, 1005]

/** The kubelet sends frames of about 32 KiB. */
const maxFrameBytes = 16 * 1024 * 1024

/** Enough for the sentence in which the kubelet reports why a connection failed. */
const maxErrorLength = 4096

/** Connects two streams to a Pod's port; `failed` is called if the connection ends otherwise than well. */
export async function connect(
  { kubeConfig, namespace }: Cluster,
  destination: Pick<Destination, 'pod' | 'port'>,
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
export function slowDown(socket: Duplex, tunnel: WebSocket): void {
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
