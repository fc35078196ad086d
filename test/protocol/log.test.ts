import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** Logs 64 MiB to a file, then prints by how many MiB the memory has grown. */
const program = (file: string) => `
import { setImmediate } from 'node:timers/promises'
import { logger } from './server/log.ts'
const log = logger('${file}', 'info')
const used = () => { gc(); const { heapUsed, external } = process.memoryUsage(); return heapUsed + external }
const before = used()
for (let line = 0; line < 2 ** 16; line++) {
  log.info('x'.repeat(1024))
  if (line % 64 === 0) await setImmediate()
}
console.log(Math.round((used() - before) / 2 ** 20))
`

test('a full disk neither ends the process nor fills its memory with log lines', () => {
  // Every write to /dev/full fails: no space left on device.
  const args = ['--expose-gc', '--input-type=module-typescript', '--eval', program('/dev/full')]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: 50_000,
  })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  expect(Number(stdout)).toBeLessThan(16)
})
