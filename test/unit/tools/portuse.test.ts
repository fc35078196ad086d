import { readFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { portUse } from '../../../tools/portuse.ts'

/** A line as the kernel writes it; port 8888 is 22B8. */
const line = (local: string, remote: string, state: string) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0000 100 0 0 10 0`
const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid'
const anyone = '00000000:0000'
const listens = line('00000000:22B8', anyone, '0A')
const mapped = '0000000000000000FFFF0000'

describe('the port of a program is', () => {
  test.each([
    { port: 'closed', when: 'nothing listens', lines: [] },
    { port: 'closed', when: 'another port is', lines: [line('00000000:1F90', anyone, '0A')] },
    { port: 'unused', when: 'nobody is connected', lines: [listens] },
    {
      port: 'unused',
      when: 'the kubelet probes it, from the node to the Pod’s address',
      lines: [listens, line('0500F40A:22B8', '0100F40A:C350', '01')],
    },
    {
      port: 'unused',
      when: 'a program of the Pod is connected elsewhere',
      lines: [listens, line('0100007F:C350', '0100007F:1F90', '01')],
    },
    {
      port: 'unused',
      when: 'a connection was left half open',
      lines: [listens, line('0100007F:22B8', '0100007F:C350', '08')],
    },
    {
      port: 'used',
      when: 'a port is forwarded to it',
      lines: [listens, line('0100007F:22B8', '0100007F:C350', '01')],
    },
    {
      port: 'used',
      when: 'a request has just ended, whichever end closed it',
      lines: [listens, line('0100007F:C350', '0100007F:22B8', '06')],
    },
    {
      port: 'used',
      when: 'a port is forwarded by IPv6',
      lines: [
        line(`${'0'.repeat(32)}:22B8`, `${'0'.repeat(32)}:0000`, '0A'),
        line(`${'0'.repeat(24)}01000000:22B8`, `${'0'.repeat(24)}01000000:C350`, '01'),
      ],
    },
    {
      port: 'used',
      when: 'its socket takes IPv4 and IPv6',
      lines: [listens, line(`${mapped}0100007F:22B8`, `${mapped}0100007F:C350`, '01')],
    },
  ])('$port when $when', ({ port, lines }) => {
    expect(portUse([[header, ...lines].join('\n')], 8888)).toBe(port)
  })
})

test('the kernel’s own files say the same', async () => {
  const read = (port: number) =>
    portUse(
      ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFileSync(path, 'utf8')),
      port,
    )
  const server: Server = createServer()
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done))
  const { port } = server.address() as { port: number }
  expect(read(port)).toBe('unused')
  const client: Socket = connect(port, '127.0.0.1')
  await new Promise((done) => server.on('connection', done))
  expect(read(port)).toBe('used')
  client.destroy()
  server.close()
})
