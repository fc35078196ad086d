import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { buildSteps, byteCounter, rcloneAmount, reporterTo } from '../../../tools/progress.ts'

describe('a report', () => {
  let server: Server
  let bodies: string[]
  let address: string
  beforeEach(async () => {
    bodies = []
    server = createServer((req, res) => {
      req.on('data', (chunk) => bodies.push(`${req.method} ${req.url} ${chunk}`))
      req.on('end', () => res.writeHead(429).end('too fast'))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/progress/u/j/t`
  })
  afterEach(() => server.close())

  const untilHeard = async (count: number) => {
    while (bodies.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  test('is posted, at most one every few seconds', async () => {
    const { report } = reporterTo(address, 60_000)
    for (let step = 1; step < 100; step++) report({ step, of: 100 })
    await untilHeard(1)
    for (let step = 100; step < 200; step++) report({ step, of: 200 })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(bodies).toEqual(['POST /progress/u/j/t {"step":99,"of":100}'])
  })

  test('that comes too soon is posted later, the last of them alone', async () => {
    const { report } = reporterTo(address, 100)
    report({ step: 1 })
    await untilHeard(1)
    for (let step = 2; step < 100; step++) report({ step })
    await untilHeard(2)
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(bodies.map((body) => body.split(' ')[2])).toEqual(['{"step":1}', '{"step":99}'])
  })

  test('that waits is posted at the end, and once more if it came too soon', async () => {
    const { report, last } = reporterTo(address)
    for (let step = 1; step < 100; step++) report({ step })
    await last()
    expect(bodies.map((body) => body.split(' ')[2])).toEqual(['{"step":99}', '{"step":99}'])
    await last()
    expect(bodies).toHaveLength(2)
  })

  test('counts bytes', async () => {
    const count = byteCounter(undefined, reporterTo(address, 0).report)
    count(5)
    await untilHeard(1)
    count(7)
    await untilHeard(2)
    expect(bodies).toEqual(['POST /progress/u/j/t {"step":5}', 'POST /progress/u/j/t {"step":12}'])
  })

  test('that nobody takes is no failure, and neither is no address', async () => {
    const nobody = reporterTo('http://127.0.0.1:1/')
    nobody.report({ step: 1 })
    await nobody.last()
    for (const address of [undefined, '', 'off', 'https://127.0.0.1:1/', '//'])
      reporterTo(address, 0).report({ step: 1 })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(bodies).toEqual([])
  })
})

test.each([
  {
    of: 'a line with a time',
    text: '2026/01/01 00:00:00 NOTICE:  1.500 GiB / 10 GiB, 15%, 100 MiB/s, ETA 1m27s\n',
    amount: { step: 1_610_612_736, of: 10_737_418_240 },
  },
  {
    of: 'several lines, the last one',
    text: '0 B / 12 KiB, 0%, 0 B/s, ETA -\n6 KiB / 12 KiB, 50%, 6 KiB/s, ETA 1s\n',
    amount: { step: 6144, of: 12_288 },
  },
  {
    of: 'a line before anything is known',
    text: '0 B / 0 B, -, 0 B/s, ETA -\n',
    amount: undefined,
  },
  { of: 'another line', text: 'copied a/1 / 2 B', amount: undefined },
])('the amount that rclone tells in $of', ({ text, amount }) => {
  expect(rcloneAmount(text)).toEqual(amount)
})

describe('a build', () => {
  test('counts the steps of all its stages, as they become known', () => {
    const steps = buildSteps()
    expect(steps('#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n')).toBe(
      undefined,
    )
    expect(steps('#5 [build 1/4] FROM docker.io/library/node\n')).toEqual({
      step: 1,
      of: 4,
      message: 'FROM docker.io/library/node',
    })
    expect(steps('#7 [build 3/4] RUN npm')).toBeUndefined()
    expect(steps(' ci\n#7 0.512 added 3 packages [4/4] x\n')).toEqual({
      step: 3,
      of: 4,
      message: 'RUN npm ci',
    })
    expect(steps('#9 [stage-1 2/3] COPY . .\n')).toEqual({ step: 5, of: 7, message: 'COPY . .' })
    expect(steps('#5 [build 1/4] FROM docker.io/library/node\n')).toMatchObject({ step: 5 })
  })

  test('of one stage has steps without its name', () => {
    expect(buildSteps()('#6 [2/2] COPY train.py .\n')).toEqual({
      step: 2,
      of: 2,
      message: 'COPY train.py .',
    })
  })
})
