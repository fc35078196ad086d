import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the benchmark prints a table and writes its figures', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'bench-')), 'figures.json')
  const quick = ['--rounds', '1', '--seconds', '0.02', '--json', file]
  const { stdout } = await promisify(execFile)(process.execPath, ['bench/main.ts', ...quick])
  expect(stdout.trim().split('\n')).toHaveLength(13)
  const figures = JSON.parse(readFileSync(file, 'utf8'))
  expect(figures).toHaveLength(72)
  for (const figure of figures)
    expect(figure).toEqual({
      name: expect.any(String),
      value: expect.any(Number),
      unit: expect.stringMatching(/^(ratio|requests\/s|ms)$/),
      target: figure.target,
      met: figure.target === null ? null : figure.value >= figure.target,
    })
  const targets = figures.map(({ target }: { target: number | null }) => target)
  expect(targets.filter(Boolean)).toEqual([...Array(6).fill(0.7), 0.9, 0.8])
}, 180_000)
