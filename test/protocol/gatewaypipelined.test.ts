import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import {
  type Bed,
  bodyOf,
  endUpstreams,
  gatewayBed,
  serving,
  soon,
  upstream,
} from './gatewaybed.ts'

/** Clients that send requests without waiting for the answers to those before. */

let bed: Bed
afterEach(async () => {
  await bed.end()
  endUpstreams()
})

const get = 'GET /team/v1/models HTTP/1.1\r\nhost: x\r\n\r\n'
const tunnel = 'CONNECT private:1 HTTP/1.1\r\nhost: private:1\r\n\r\n'
const asked = 'POST /team/v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n'
const post = (user: string): string => {
  const body = JSON.stringify({ model: 'chat', user })
  return `${asked}content-length: ${body.length}\r\n\r\n${body}`
}

interface Client {
  readonly socket: Socket
  readonly heard: () => string
  readonly isOpen: () => boolean
}

/** Sends all that in one piece. */
function sending(...requests: readonly string[]): Client {
  const { hostname, port } = new URL(bed.gateway.url)
  let heard = ''
  const socket = connect(Number(port), hostname, () => socket.write(requests.join('')))
  socket.on('error', () => {})
  socket.on('data', (piece) => {
    heard += piece
  })
  return { socket, heard: () => heard, isOpen: () => !socket.closed }
}

/** A model server that begins each answer, and ends none by itself. */
async function streaming() {
  const open = new Map<string, () => void>()
  const address = await upstream(async (req, res) => {
    const { user } = JSON.parse(await bodyOf(req))
    res.write(`${user} begun `)
    open.set(user, () => res.end(`${user} ended`))
    res.on('close', () => open.delete(user))
  })
  return { address, open }
}

describe('requests whose connection ends before their turn are forgotten', () => {
  const slowly = async () => {
    await sleep(300)
    return 'ann'
  }

  test('when the client goes away', async () => {
    bed = await gatewayBed({ checkKey: slowly })
    bed.set(serving([]))
    const client = sending(get, get, get)
    await soon(() => bed.gateway.underWay() === 3)
    client.socket.destroy()
    await soon(() => bed.gateway.underWay() === 0, 2)
    await soon(() => bed.lines.length === 3)
    expect(bed.lines.map(({ status }) => status)).toEqual([499, 499, 499])
  })

  test('when the client asks for a tunnel, too, which closes it', async () => {
    bed = await gatewayBed({ checkKey: slowly })
    bed.set(serving([]))
    const client = sending(get, get, tunnel)
    await soon(() => !client.isOpen())
    await soon(() => bed.gateway.underWay() === 0, 2)
    await soon(() => bed.lines.length === 2)
    expect(bed.lines.map(({ status }) => status)).toEqual([499, 499])
    expect(client.heard()).toBe('')
  })

  test('and their servers are freed', async () => {
    const { address, open } = await streaming()
    bed = await gatewayBed()
    bed.set(serving([address]))
    const client = sending(post('first'), post('second'))
    await soon(() => open.size === 2 && client.heard().includes('first begun'))
    client.socket.write(tunnel)
    await soon(() => !client.isOpen())
    await soon(() => open.size === 0, 2)
    expect(bed.gateway.underWay()).toBe(0)
    expect(client.heard()).not.toMatch(/405|second/)
  })
})

test('a request that cannot be read is refused after the answer before it, which it does not cut', async () => {
  const { address, open } = await streaming()
  bed = await gatewayBed()
  bed.set(serving([address]))
  const client = sending(post('first'), `${asked}transfer-encoding: chunked\r\n\r\nprivate\r\n`)
  await soon(() => open.size === 1 && client.heard().includes('first begun'))
  // Longer than a refused client may go on sending.
  await sleep(2500)
  expect([open.size, client.isOpen()]).toEqual([1, true])
  open.get('first')?.()
  await soon(() => !client.isOpen())
  expect(client.heard()).toMatch(/first begun [\s\S]*first ended[\s\S]*HTTP\/1.1 400 /)
  expect(client.heard()).toMatch(/malformed_request/)
})
