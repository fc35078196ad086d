import { expect, test } from 'vitest'
import type { Kubectl } from '../../../platform/controlplane/kubectl.ts'
import { watchUntilReady } from '../../../platform/untilready.ts'

const model = (ready: string, reason: string, stalled = false) => ({
  kind: 'Model',
  metadata: { name: 'm' },
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

/** Waits for at most 1 s, with a patience of none. */
async function waited(items: readonly object[]) {
  const started = Date.now()
  await watchUntilReady({
    dir: '/nowhere',
    kubectl: { run: async () => JSON.stringify({ items }) } as unknown as Kubectl,
    show: () => {},
    seconds: 1,
    signal: new AbortController().signal,
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
