import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = async (...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, args)).stdout

test('the benchmark prints a table and writes its figures', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'bench-')), 'figures.json')
  const quick = ['--rounds', '1', '--seconds', '0.02', '--json', file]
  const stdout = await run('bench/main.ts', ...quick)
  expect(stdout.trim().split('\n')).toHaveLength(18)
  const figures = JSON.parse(readFileSync(file, 'utf8'))
  expect(figures).toHaveLength(82)
  for (const figure of figures)
    expect(figure).toEqual({
      name: expect.any(String),
      value: expect.any(Number),
      unit: expect.stringMatching(/^(ratio|requests\/s|ms)$/),
      target: figure.target,
      met: figure.target === null ? null : figure.value >= figure.target,
    })
  const targets = figures.map(({ target }: { target: number | null }) => target)
  expect(targets.filter(Boolean)).toEqual([...Array(4).fill(0.7), 0.9, 0.7, 0.7, 0.9, 0.8])
}, 180_000)

test('that of the gateway prints a table and writes its figures', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'bench-')), 'figures.json')
  const quick = ['--rounds', '1', '--seconds', '0.2', '--streams', '4', '--tokens', '20']
  const small = ['--open', '8', '--servers', '20', '--json', file]
  const stdout = await run('bench/gateway/main.ts', ...quick, ...small)
  expect(stdout.trimEnd().split('\n')).toHaveLength(9)
  const figures: readonly {
    readonly name: string
    readonly value: number
    readonly target: number | null
  }[] = JSON.parse(readFileSync(file, 'utf8'))
  expect(figures).toHaveLength(20)
  for (const { name, value } of figures) {
    expect(value, name).toEqual(expect.any(Number))
    // The gateway may be faster than the bare proxy by chance; all else takes time or room.
    if (!name.includes('−')) expect(value, name).toBeGreaterThan(0)
  }
  const targets = figures.filter(({ target }) => target !== null)
  expect(targets.map(({ name, target }) => `${name}: ${target}`)).toEqual([
    'first byte with 4 streams: p50: gateway − bare: 1',
    'first byte with 4 streams: p99: gateway / bare: 2',
    'throughput of 4 streams: gateway / bare: 0.9',
    'memory, 8 open streams: gateway − idle: 90',
    'decision among 20 ModelServers: gateway: 50',
  ])
}, 180_000)
