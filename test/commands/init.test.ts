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

/** A busy machine takes a while to start a process. */
const soon = { timeout: 20_000 }

/** The signals that a process handles, and SIGTERM among them. */
const handles = (pid: number): number =>
  Number.parseInt(
    /^SigCgt:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0',
    16,
  )
const sigterm = 1 << 14

/** Runs a program as the first process of a PID namespace of its own, as a container does. */
async function first(...program: readonly string[]) {
  const namespace = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child']
  const child = spawn('unshare', [...namespace, ...program], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = once(child, 'close').then(([code]) => code as number)
  const printed = text(child.stdout)
  const processes = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
  return {
    ended,
    printed,
    stdin: child.stdin,
    /** The kubelet's, once the program is there, and handles it if it ever does. */
    terminate: async (isHandled = true) => {
      await vi.waitFor(() => expect(processes()).toMatch(/\d/), soon)
      const pid = Number(processes())
      // Before that, it is still `unshare`.
      const name = () => readFileSync(`/proc/${pid}/comm`, 'utf8')
      await vi.waitFor(() => expect(name()).not.toBe('unshare\n'), soon)
      if (isHandled) await vi.waitFor(() => expect(handles(pid) & sigterm).not.toBe(0), soon)
      process.kill(pid, 'SIGTERM')
    },
    kill: () => child.kill('SIGKILL'),
  }
}

/** As a Node that still starts: it has no handler of SIGTERM yet. */
const starting = ['sleep', '30']

test('a SIGTERM ends a program that still starts, which alone would not see it', async () => {
  const alone = await first(...starting)
  await alone.terminate(false)
  expect(await Promise.race([alone.ended, sleep(1000, 'still there')])).toBe('still there')
  alone.kill()

  const behind = await first(...init, ...starting)
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

test('two signals around its end change nothing about its code', async () => {
  const trap =
    'trap "exit 7" TERM; sleep 0.1; kill -TERM 1; kill -TERM 1; while :; do sleep 0.01; done'
  for (let round = 0; round < 20; round++)
    expect(await (await first(...init, 'sh', '-c', trap)).ended).toBe(7)
})

test.each([
  { what: 'a killed program', program: ['sh', '-c', 'kill -9 $$'], code: 137 },
  { what: 'a program that does not exist', program: ['no-such-program'], code: 127 },
])('$what has its usual code', async ({ program, code }) => {
  expect(await (await first(...init, ...program)).ended).toBe(code)
})

test('the standard input is the program’s', async () => {
  const { stdin, printed } = await first(...init, 'cat')
  stdin.end('hello')
  expect(await printed).toBe('hello')
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
