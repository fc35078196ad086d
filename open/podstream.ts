import { type Duplex, duplexPair } from 'node:stream'
import type WebSocket from 'ws'
import type { Cluster } from '../cluster/kubeconfig.ts'
import { isForbidden, refusalOf } from '../cluster/refusal.ts'
import { connect, type Destination, slowDown } from './tunnel.ts'

/**
 * A stream to a Pod's port. Its error has the `syscall` "connect" where no byte has reached the Pod, so that a
 * request may be sent again; not where the user has no right, because another try would fail, too.
 */
export async function podStream(
  cluster: Cluster,
  destination: Pick<Destination, 'pod' | 'port'>,
  pingMilliseconds: number,
): Promise<Duplex> {
  const [near, far] = duplexPair()
  // It may break before anybody listens; whoever uses it then finds it destroyed.
  near.on('error', () => {})
  far.on('error', () => {})
  let hasAnswered = false
  const failed = (error: Error) =>
    near.destroy(!hasAnswered && isRefusal(error) ? unsent(error) : error)
  let tunnel: WebSocket
  try {
    tunnel = await connect(cluster, destination, far, far, failed)
  } catch (error) {
    const refusal = refusalOf(error)
    const why = new Error(refusal.message)
    throw isForbidden(refusal) ? why : unsent(why)
  }
  tunnel.on('message', (frame: Buffer) => {
    hasAnswered ||= frame[0] === dataStream && frame.length > longestPreface
  })
  near.on('close', () => {
    far.destroy()
    tunnel.close()
  })
  tunnel.on('close', () => far.end())
  slowDown(far, tunnel)
  keepAlive(tunnel, pingMilliseconds, failed)
  return near
}

const dataStream = 0
/** The stream's number and the port's, with which the kubelet begins. */
const longestPreface = 3

/** What the kubelet reports if nothing listens on the port. */
const isRefusal = ({ message }: Error): boolean => /connection refused/i.test(message)

const unsent = (error: Error): Error => Object.assign(error, { syscall: 'connect' })

/** Pings without an answer, before a connection is taken for dead. */
const mostMissed = 3

/**
 * Pings, because load balancers cut connections that are silent, as during a long prompt; and because a
 * network that is gone does not say so. Where no ping was ever answered, nothing follows from silence.
 */
function keepAlive(
  tunnel: WebSocket,
  milliseconds: number,
  failed: (error: Error) => unknown,
): void {
  let isAnswering = false
  let missed = 0
  tunnel.on('pong', () => {
    isAnswering = true
    missed = 0
  })
  tunnel.on('message', () => {
    missed = 0
  })
  const ping = () => {
    // While it is paused, no answer is read.
    if (tunnel.isPaused) return
    if (isAnswering && missed >= mostMissed) {
      failed(new Error('the network does not answer'))
      return tunnel.terminate()
    }
    missed++
    tunnel.ping()
  }
  const pinging = setInterval(ping, milliseconds)
  tunnel.on('close', () => clearInterval(pinging))
  ping()
}
