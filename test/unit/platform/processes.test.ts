import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isAlive } from '../../../platform/identity.ts'
import { endAll, endProcess, launch, recordsOf, waitUntil } from '../../../platform/processes.ts'
import { claim, locked, remove } from '../../../platform/state.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'substratus-test-'))
})
afterEach(async () => {
  await endAll(dir)
  rmSync(dir, { recursive: true, force: true })
})

const start = (name: string, ...args: readonly string[]) =>
  launch({ dir, name, file: '/bin/sh', args: ['-c', ...args] })

describe('a recorded process', () => {
  test('is stopped, and its record is removed', async () => {
    const record = start('one', 'sleep 60; true')
    expect(isAlive(record)).toBe(true)
    expect(recordsOf(dir)).toMatchObject([{ name: 'one', pid: record.pid }])
    await endAll(dir)
    expect(isAlive(record)).toBe(false)
    expect(recordsOf(dir)).toEqual([])
  })

  test('is killed if it ignores SIGTERM', async () => {
    const record = start('deaf', 'trap "" TERM; echo ready; while :; do sleep 0.05; done')
    await new Promise((done) => setTimeout(done, 100))
    await endProcess(record, 200)
    expect(isAlive(record)).toBe(false)
  })

  test('is left alone if its pid now belongs to another process', async () => {
    const another = start('another', 'sleep 60; true')
    const record = { ...another, identity: another.identity.replace('sleep 60', 'sleep 61') }
    expect(isAlive(record)).toBe(false)
    await endProcess(record)
    expect(isAlive(another)).toBe(true)
  })

  test('that ends at its start is an error with the end of its log', async () => {
    const record = start('short', 'echo "no such port" >&2; exit 3')
    await expect(waitUntil(dir, record, async () => false)).rejects.toThrow(
      'short ended at its start:\nno such port',
    )
  })

  test('that is not ready in time and has written nothing: the error names its log', async () => {
    const record = start('silent', 'sleep 60; true')
    const waiting = waitUntil(dir, record, async () => false, { seconds: 0.1 })
    await expect(waiting).rejects.toThrow(
      `silent is not ready after 0.1 s, and has written nothing to ${join(dir, 'log', 'silent.log')}`,
    )
  })

  test('is not started once the start is aborted', () => {
    const signal = AbortSignal.abort(new Error('interrupted'))
    expect(() => launch({ dir, name: 'late', file: '/bin/sh', args: [], signal })).toThrow(
      'interrupted',
    )
    expect(recordsOf(dir)).toEqual([])
  })
})

describe('a state folder', () => {
  test('is refused if it contains anything else, and never removed', () => {
    writeFileSync(join(dir, 'thesis.tex'), '')
    expect(() => claim(dir)).toThrow(`"${dir}" holds other files`)
    remove(dir)
    expect(readdirSync(dir)).toEqual(['thesis.tex'])
  })

  test('is removed if it is ours', () => {
    claim(dir)
    claim(dir)
    remove(dir)
    expect(existsSync(dir)).toBe(false)
  })

  test('is locked by one start at a time; the lock of one that has ended is taken over', async () => {
    const state = join(dir, 'up')
    const second = locked(state, () => locked(state, async () => 'never'))
    await expect(second).rejects.toThrow(`another up is starting in "${state}"`)
    writeFileSync(`${state}.starting`, '{"name":"up","pid":1,"identity":"somebody else"}')
    expect(await locked(state, async () => 'mine')).toBe('mine')
    expect(readdirSync(dir)).toEqual([])
  })
})
