import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { modulePath } from '../../cli/local/root.ts'

/** `up` and `down` as a person types them, ended in every rude way. */

let home: string
let dir: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'substratus-up-'))
  dir = join(home, 'up')
})
afterEach(async () => {
  await run('down')
  expect(processes()).toEqual([])
  rmSync(home, { recursive: true })
})

interface Started {
  readonly child: ChildProcess
  readonly said: () => string
  readonly code: Promise<number | string | null>
}

function start(command: 'up' | 'down', ...args: readonly string[]): Started {
  const child = spawn(process.execPath, [modulePath('cli/main'), command, '--dir', dir, ...args])
  let text = ''
  child.stdout.on('data', (data) => {
    text += data
  })
  child.stderr.on('data', (data) => {
    text += data
  })
  const code = new Promise<number | string | null>((done) =>
    child.on('close', (code, signal) => done(code ?? signal)),
  )
  return { child, said: () => text, code }
}

async function run(command: 'up' | 'down', ...args: readonly string[]) {
  const started = start(command, ...args)
  return { code: await started.code, said: started.said() }
}

/** Command lines that name the folder: whatever `up` left running. */
const processes = (): readonly string[] =>
  execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(dir))

async function untilSaid(started: Started, words: string): Promise<void> {
  const end = Date.now() + 60_000
  while (!started.said().includes(words)) {
    if (Date.now() > end) throw new Error(`never said "${words}":\n${started.said()}`)
    await sleep(20)
  }
}

const bare = ['--examples', ''] as const

test('Ctrl-C in the middle of a start leaves nothing behind', async () => {
  const started = start('up', ...bare)
  await untilSaid(started, 'applying the CRDs')
  expect(processes().length).toBeGreaterThan(2)
  started.child.kill('SIGINT')
  expect(await started.code).toBe(130)
  expect(started.said()).toMatch(/interrupted; ended\n$/)
  expect(processes()).toEqual([])
  expect(existsSync(dir)).toBe(false)
})

test('a start that was killed is cleared away by the next, and by down', async () => {
  const killed = start('up', ...bare)
  await untilSaid(killed, 'applying the CRDs')
  killed.child.kill('SIGKILL')
  expect(await killed.code).toBe('SIGKILL')
  expect(processes().length).toBeGreaterThan(2)

  const next = await run('up', ...bare)
  expect(next.said).toContain('export KUBECONFIG=')
  expect(next.code).toBe(0)
  const running = processes()

  const again = await run('up', ...bare, '--nodes', '3')
  expect(again.said).toContain(
    `found what runs in ${dir}, with 2 nodes: to have 3, first npm run down -- --dir ${dir}\n`,
  )
  expect(processes()).toEqual(running)

  expect((await run('down')).code).toBe(0)
  expect(processes()).toEqual([])
  expect(readdirSync(home)).toEqual([])
})

test('down ends a start that is under way', async () => {
  const started = start('up', ...bare)
  await untilSaid(started, 'applying the CRDs')
  expect((await run('down')).code).toBe(0)
  expect(await started.code).toBe(130)
  expect(processes()).toEqual([])
})
