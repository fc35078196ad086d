import { existsSync, readdirSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ownFolder } from './typed.ts'

/** `up` and `down`, interrupted and killed. */

let own: ReturnType<typeof ownFolder>
beforeEach(() => {
  own = ownFolder()
})
afterEach(async () => {
  await own.run('down')
  expect(own.processes()).toEqual([])
  own.remove()
})

const bare = ['--examples', ''] as const

test('Ctrl-C during a start leaves nothing behind', async () => {
  const started = own.start('up', ...bare)
  await started.untilOutput('applying the CRDs')
  expect(own.processes().length).toBeGreaterThan(2)
  started.child.kill('SIGINT')
  expect(await started.code).toBe(130)
  expect(started.output()).toMatch(/interrupted; ended\n$/)
  expect(own.processes()).toEqual([])
  expect(existsSync(own.dir)).toBe(false)
})

test('the next up, or down, cleans up after a start that was killed', async () => {
  const killed = own.start('up', ...bare)
  await killed.untilOutput('applying the CRDs')
  killed.child.kill('SIGKILL')
  expect(await killed.code).toBe('SIGKILL')
  expect(own.processes().length).toBeGreaterThan(2)

  const next = await own.run('up', ...bare)
  expect(next.output).toContain('export KUBECONFIG=')
  expect(next.code).toBe(0)
  const running = own.processes()

  const again = await own.run('up', ...bare, '--nodes', '3')
  expect(again.output).toContain(
    `found what runs in ${own.dir}, with 2 nodes: to have 3, first npm run down -- --dir ${own.dir}\n`,
  )
  expect(own.processes()).toEqual(running)

  expect((await own.run('down')).code).toBe(0)
  expect(own.processes()).toEqual([])
  expect(readdirSync(own.home)).toEqual([])
})

test('down stops a start that is in progress', async () => {
  const started = own.start('up', ...bare)
  await started.untilOutput('applying the CRDs')
  expect((await own.run('down')).code).toBe(0)
  expect(await started.code).toBe(130)
  expect(own.processes()).toEqual([])
})
