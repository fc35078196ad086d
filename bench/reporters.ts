import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { pathAt } from './attempts.ts'

/**
 * Attempts that each report once a second, in a process of their own: `reporters.ts PORT ATTEMPTS`. It begins
 * and ends with each message. Many of them share one connection, so that the server's cost is measured, not
 * the client's. While the CPU is busy, a late timer sends all parts that are due.
 */

const [port = 0, attempts = 0] = process.argv.slice(2).map(Number)
const connections = 30
/** Reports are sent in as many parts of a second. */
const parts = 50

const requests = Array.from({ length: attempts }, (_, at) => {
  const path = pathAt(at)
  return (step: number) => {
    const body = JSON.stringify({ step, of: 1_000_000, metrics: { loss: 1 / (step + 1) } })
    return `POST ${path} HTTP/1.1\r\nhost: bench\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  }
})

const sockets: Socket[] = []
/** The server closes connections that have been silent, as they may be while the CPU is busy. */
const open = (at: number): Socket => {
  const socket = connect(port, '127.0.0.1').resume()
  socket.on('error', () => {}).on('close', () => open(at))
  sockets[at] = socket
  return socket
}
await Promise.all(Array.from({ length: connections }, (_, at) => once(open(at), 'connect')))

const milliseconds = 1000 / parts
let timer: NodeJS.Timeout | undefined
let part = 0
let due = 0
const sendPart = (): void => {
  const step = Math.floor(part / parts)
  const texts = sockets.map(() => '')
  for (let at = part % parts; at < attempts; at += parts)
    texts[at % connections] += requests[at]?.(step) ?? ''
  for (const [at, text] of texts.entries()) if (text) sockets[at]?.write(text)
  part++
}

const sendDue = (): void => {
  for (; due <= performance.now(); due += milliseconds) sendPart()
}

process.on('message', () => {
  if (timer) {
    sendDue()
    clearInterval(timer)
    timer = undefined
  } else {
    due = performance.now() + milliseconds
    timer = setInterval(sendDue, milliseconds)
  }
  process.send?.('done')
})
process.once('disconnect', () => process.exit(0))
process.send?.('ready')
