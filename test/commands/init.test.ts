import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { root } from '../../terminal/root.ts'

/** What a program meets as a container's first process, and what it meets behind tools/init.sh. */

const init = ['/bin/sh', join(root, 'tools/init.sh')]

/** Runs a program as the first process of a PID namespace of its own, as a container does. */
async function first(...program: readonly string[]) {
  const namespace = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child']
  const child = spawn('unshare', [...namespace, ...program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close').then(([code]) => code as number)
  const printed = text(child.stdout)
  const processes = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
  return {
    ended,
    printed,
    /** The kubelet's, once the program is there. */
    terminate: async () => {
      await vi.waitFor(() => expect(processes()).toMatch(/\d/))
      // Before that, it is still `unshare`.
      await vi.waitFor(() =>
        expect(readFileSync(`/proc/${Number(processes())}/comm`, 'utf8')).not.toBe('unshare\n'),
      )
      process.kill(Number(processes()), 'SIGTERM')
    },
    kill: () => child.kill('SIGKILL'),
  }
}

/** As a Node that still starts: it has no handler of SIGTERM yet. */
const starting = ['sleep', '30']

test('a SIGTERM ends a program that still starts, which alone would not see it', async () => {
  const alone = await first(...starting)
  await alone.terminate()
  expect(await Promise.race([alone.ended, sleep(1000, 'still there')])).toBe('still there')
  alone.kill()

  const behind = await first(...init, ...starting)
  // So long the shell itself takes to start.
  await sleep(200)
  await behind.terminate()
  expect(await Promise.race([behind.ended, sleep(5000, 'still there')])).toBe(143)
})

test('a program that handles SIGTERM takes its time, and its code is the container’s', async () => {
  const handling = `process.on('SIGTERM', () => setTimeout(() => process.exit(7), 500))
    setInterval(() => {}, 1000)
    setTimeout(() => process.kill(process.ppid, 'SIGTERM'), 100)`
  const { ended } = await first(...init, process.execPath, '-e', handling)
  expect(await ended).toBe(7)
})

test('arguments and the code are passed on unchanged', async () => {
  const { ended, printed } = await first(
    ...init,
    'sh',
    '-c',
    'printf "<%s>" "$@"; exit 3',
    'sh',
    'a b',
    '',
    '*',
  )
  expect(await ended).toBe(3)
  expect(await printed).toBe('<a b><><*>')
})
