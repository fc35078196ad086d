import type { RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import WebSocket from 'ws'
import { authenticate } from '../cluster/credentials.ts'
import { refused } from '../cluster/refusal.ts'

/** The interface through which the client's Exec and PortForward connect. */
export interface Sockets {
  readonly connect: (
    path: string,
    text: unknown,
    binary: ((stream: number, data: Buffer) => boolean) | null,
  ) => Promise<WebSocket>
}

const timeoutMilliseconds = 15_000

/**
 * WebSockets to the API server, instead of the client's own, which drop the API server's message when it
 * refuses a connection. A frame may have at most `maxPayload` bytes.
 */
export const socketsOf = (
  kubeConfig: KubeConfig,
  protocols: readonly string[],
  maxPayload: number,
): Sockets => ({
  connect: async (path, _text, binary) => {
    const options: WebSocket.ClientOptions & RequestOptions = {}
    await authenticate(kubeConfig, options)
    const server = kubeConfig.getCurrentCluster()?.server ?? ''
    const socket = new WebSocket(`${server.replace(/^http/, 'ws')}${path}`, [...protocols], {
      ...options,
      handshakeTimeout: timeoutMilliseconds,
      maxPayload,
    })
    socket.on('message', (data) => {
      const [stream, ...rest] = [data as Buffer]
      if (!stream || rest.length || stream.length === 0) return
      if (binary && !binary(stream.readUInt8(0), stream.subarray(1))) socket.close()
    })
    return new Promise((resolve, reject) => {
      socket.on('open', () => resolve(socket))
      // After opening, too: without a listener it would end the process; 'close' follows.
      socket.on('error', reject)
      socket.on('unexpected-response', (request, response) => {
        let body = ''
        response.on('data', (chunk: Buffer) => {
          if (body.length < 10_000) body += chunk
        })
        response.on('close', () => {
          reject(refused(response.statusCode ?? 0, body))
          request.destroy()
        })
      })
    })
  },
})
