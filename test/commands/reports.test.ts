import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { scratch, server, tool } from '../hostile/tools.ts'
import { type Amount, receiver } from '../receiver.ts'

/**
 * The project's own tools report how many bytes they have loaded, sealed or pushed: each runs as in its
 * container, and its reports are received over HTTP. So does the training of the examples.
 */

const MiB = 2 ** 20

let home: ReturnType<typeof scratch>
let reports: ReturnType<typeof receiver>
let stops: (() => void)[]
let env: Readonly<Record<string, string>>
beforeEach(async () => {
  home = scratch()
  reports = receiver()
  const { url, stop } = await server(reports.listener)
  stops = [stop]
  env = { SUBSTRATUS_PROGRESS_URL: `${url}/progress` }
})
afterEach(() => {
  for (const stop of stops) stop()
  home.remove()
})

async function serving(...args: Parameters<typeof server>) {
  const made = await server(...args)
  stops.push(made.stop)
  return made
}

function file(path: string, contents: string, mode = 0o644): string {
  const full = join(home.folder, path)
  mkdirSync(dirname(full), { recursive: true })
  writeFileSync(full, contents, { mode })
  return full
}

/** Some before the end, none above the total, and the total at the end. */
function expectRise(amounts: readonly Amount[], of: number): void {
  expect(amounts.length).toBeGreaterThan(1)
  expect(amounts.at(-1)).toEqual({ step: of, of })
  expect(amounts[0]?.step).toBeLessThan(of)
  for (const [index, { step }] of amounts.entries())
    expect(step).toBeGreaterThanOrEqual(amounts[index - 1]?.step ?? 0)
}

const run = async (words: readonly string[], more: Readonly<Record<string, string>> = {}) => {
  const { code, output } = await tool(home.folder, words, { ...env, ...more })
  expect({ code, output }).toMatchObject({ code: 0 })
}

const attempt = 'storage/run/0123456789abcdef'
const sealed = () => [
  `--artifacts=${join(home.folder, attempt)}`,
  `--storage=${join(home.folder, 'storage')}`,
]

/** A stand-in that PATH finds before the real program. */
function standIn(name: string, script: string): Readonly<Record<string, string>> {
  const path = file(`bin/${name}`, `#!/bin/sh\n${script}`, 0o755)
  return { PATH: `${dirname(path)}:${process.env.PATH}` }
}

/** What rclone prints while it copies, which it does only with this flag; it takes a while. */
const copies = `case "$*" in
copy\\ *--stats-log-level=NOTICE*)
  echo '512 KiB / 1 MiB, 50%, 1 MiB/s, ETA 1s' >&2
  sleep 2
  echo '1 MiB / 1 MiB, 100%, 1 MiB/s, ETA 0s' >&2 ;;
esac`

/** Makes each MiB take so long that there is more than one report, however fast the machine is. */
const slowDisk = `
import { open } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
const file = await open('/dev/null')
const its = Object.getPrototypeOf(file)
await file.close()
const { read } = its
its.read = async function (...args) {
  await setTimeout(300)
  return read.apply(this, args)
}`

/** As getaddrinfo does, but longer, a search that has begun lets no process end by itself. */
const silentNameServer = `
import dns from 'node:dns'
dns.lookup = () => void setTimeout(() => {}, 120_000)`

describe('bytes are reported, and all of them at the end', () => {
  test('of a seal', async () => {
    const of = 8 * MiB
    truncateSync(file(`${attempt}/weights.bin`, ''), of)
    await run(['seal', ...sealed()], { NODE_OPTIONS: `--import=${file('disk.mjs', slowDisk)}` })
    expectRise(reports.heard, of)
  })

  test('of a seal that waits for no name server at its end', async () => {
    file(`${attempt}/weights.bin`, 'abc')
    const began = performance.now()
    await run(['seal', ...sealed()], {
      SUBSTRATUS_PROGRESS_URL: 'http://silent.test/progress',
      NODE_OPTIONS: `--import=${file('names.mjs', silentNameServer)}`,
    })
    expect(performance.now() - began).toBeLessThan(60_000)
  })

  test('of a seal that takes a moment, once, and not through a proxy', async () => {
    file(`${attempt}/weights.bin`, 'abc')
    await run(['seal', ...sealed()], { http_proxy: 'http://127.0.0.1:1' })
    expect(reports.heard).toEqual([{ step: 3, of: 3 }])
  })

  test('of a copy to a bucket', async () => {
    file(`${attempt}/weights.bin`, 'abc')
    await run(['seal', ...sealed(), '--to=s3://bucket/model'], standIn('rclone', copies))
    expectRise(reports.heard, MiB)
  })

  test('of a load from a bucket', async () => {
    const words = ['load', '--source=s3://bucket/model', `--into=${join(home.folder, 'into')}`]
    await run(words, standIn('rclone', copies))
    expectRise(reports.heard, MiB)
  })

  test('of a load from a web server', async () => {
    const data = Buffer.alloc(20 * MiB)
    const { url } = await serving((_, response) => {
      response.writeHead(200, { 'content-length': data.length })
      response.write(data.subarray(MiB))
      void reports.first.then(() => response.end(data.subarray(0, MiB)))
    })
    await run(['load', `--source=${url}/weights.bin`, `--into=${join(home.folder, 'into')}`])
    expectRise(reports.heard, data.length)
  })

  test('of packaging', async () => {
    file(`${attempt}/weights.bin`, '')
    truncateSync(join(home.folder, attempt, 'weights.bin'), 64 * MiB)
    await run(['seal', ...sealed()], { SUBSTRATUS_PROGRESS_URL: '' })
    const config = JSON.stringify({ architecture: 'amd64', os: 'linux' })
    const digest = `sha256:${createHash('sha256').update(config).digest('hex')}`
    const manifest = JSON.stringify({ config: { digest }, layers: [] })
    const { host } = await serving(async (request, response) => {
      const { method = '', url: path = '' } = request
      // It reads no more than its buffers take, until it is known how far that is.
      if (method === 'PATCH') await reports.first
      await text(request)
      const created = { location: path.replace(/\/$/, '/1') }
      if (method === 'GET') response.end(path.includes('/manifests/') ? manifest : config)
      else response.writeHead(method === 'PUT' ? 201 : 202, created).end()
    })
    const folder = join(home.folder, attempt)
    const [from, image] = [`--from=${host}/base:1`, `--image=${host}/ns/model-it:tag`]
    const words = ['package', from, image, `--artifacts=${folder}`, '--into=/content/model']
    await run(words, { REGISTRY_INSECURE: 'true' })
    expectRise(reports.heard, 64 * MiB)
  })
})

test('the training of the examples reports its first step and its last, with the loss', async () => {
  const training = `
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, "examples/writer")
import progress
for step in range(1, 101):
    progress.report(step, 100, loss=1 / step)
`
  // A proxy of the cluster's network would not know its Services.
  const variables = { ...process.env, ...env, http_proxy: 'http://127.0.0.1:1' }
  const { stdout } = await promisify(execFile)('python3', ['-c', training], { env: variables })
  expect(stdout).toBe('')
  expect(reports.heard).toEqual([
    { step: 1, of: 100, metrics: { loss: 1 } },
    { step: 100, of: 100, metrics: { loss: 0.01 } },
  ])
})
