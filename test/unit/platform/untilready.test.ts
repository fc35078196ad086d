import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import { watchUntilReady } from '../../../platform/untilready.ts'

const model = (ready: string, reason: string, stalled = false): Parent => ({
  apiVersion: 'substratus.ai/v1',
  kind: 'Model',
  metadata: { name: 'm' },
  spec: {},
  status: {
    conditions: [
      { type: 'Ready', status: ready, reason, message: '' },
      ...(stalled ? [{ type: 'Stalled', status: 'True', reason, message: '' }] : []),
    ],
  },
})
const done = model('True', 'Done')
const failed = model('False', 'Failed', true)
const waits = model('False', 'Waiting')
const runs = model('False', 'Running')

/** What the watches see while nothing changes. */
async function* seen(objects: readonly Parent[]) {
  for (;;) {
    yield { objects, trouble: undefined }
    await sleep(20)
  }
}

/** Waits for at most 1 s, with a patience of none. */
async function waited(items: readonly Parent[]) {
  const started = Date.now()
  await watchUntilReady({
    dir: '/nowhere',
    followed: seen(items),
    show: () => {},
    seconds: 1,
    patienceMs: 0,
  })
  return Date.now() - started >= 1000
}

test.each([
  { when: 'all are Ready', items: [done, done], waits: false },
  { when: 'one is stalled, and the others are Ready', items: [done, failed], waits: false },
  { when: 'the others wait for a stalled one', items: [failed, waits], waits: false },
  { when: 'another one still runs', items: [failed, runs, waits], waits: true },
  { when: 'nothing is stalled', items: [done, waits], waits: true },
])('up waits for objects: $waits when $when', async ({ items, waits: expected }) => {
  expect(await waited(items)).toBe(expected)
})
