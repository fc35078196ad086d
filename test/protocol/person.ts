import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, vi } from 'vitest'
import { clusterOf } from '../../cluster/kubeconfig.ts'
import { open } from '../../open/open.ts'
import { targetOf } from '../../open/target.ts'
import { type FakeApi, fakeApi, type Stored } from './fakeapi.ts'

/** A Notebook "explore" in a fake API server, and a user who opens it. */

export const notebook = (spec: object, ready: string, more: object = {}): Stored => {
  const [status, reason, ...words] = ready.split(' ')
  const condition = { type: 'Ready', status, reason, message: words.join(' ') }
  const isStalled = ['Failed', 'InvalidSpec'].includes(String(reason))
  const conditions = [
    condition,
    ...(isStalled ? [{ ...condition, type: 'Stalled', status: 'True' }] : []),
  ]
  return {
    kind: 'Notebook',
    metadata: { name: 'explore', uid: 'n1', annotations: {} },
    spec,
    status: { conditions, ...more },
  }
}

/** The owner reference of an object's controller. */
export const controlledBy = (kind: string, name: string, uid: string) => ({
  ownerReferences: [
    {
      apiVersion: /^(Notebook|ModelServer)$/.test(kind) ? 'substratus.ai/v1' : 'apps/v1',
      kind,
      name,
      uid,
      controller: true,
    },
  ],
})

export const statefulSet: Stored = {
  kind: 'StatefulSet',
  metadata: {
    name: 'explore-notebook',
    uid: 'set1',
    ...controlledBy('Notebook', 'explore', 'n1'),
  },
}

export const pod = (uid: string, more: object = {}): Stored => ({
  kind: 'Pod',
  metadata: {
    name: 'explore-notebook-0',
    uid,
    ...controlledBy('StatefulSet', 'explore-notebook', 'set1'),
    ...more,
  },
  spec: { containers: [{ name: 'notebook', ports: [{ name: 'http', containerPort: 8888 }] }] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
})

export const serving = 'True Serving kubectl port-forward svc/explore-notebook 8888'

export interface Given {
  readonly words?: readonly string[]
  readonly port?: number
  readonly browser?: boolean
  readonly suspend?: boolean
  readonly isInteractive?: boolean
  readonly answer?: () => Promise<string>
  readonly browse?: (address: string) => Promise<void>
}

/** The API server of the current test. */
export let api: FakeApi

const ends: (() => unknown)[] = []

/** Gives each test of a file an API server with the notebook's StatefulSet, and cleans up after it. */
export function withApi(): void {
  beforeEach(async () => {
    api = await fakeApi()
    api.put(statefulSet)
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
    await api.close()
  })
}

/** Starts a server for the duration of the test; returns its port. */
export async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  return (server.address() as AddressInfo).port
}

/** Waits until the assertion holds. */
export const soon = <T>(assertion: () => T | Promise<T>) =>
  vi.waitFor(assertion, { timeout: 25_000, interval: 20 })

/** A user who opens something for the duration of the test, and what they see. */
export function person(given: Given = {}) {
  const { words = ['notebook', 'explore'], port = 0, browser = false, suspend = false } = given
  const target = targetOf(words)
  if ('wrong' in target) throw new Error(target.wrong)
  const messages: string[] = []
  const printed: string[] = []
  const browsed: string[] = []
  const listeners: ((signal: NodeJS.Signals) => void)[] = []
  // There are two watches, and the events of the Notebook and its Pod arrive in either order.
  const add = (lines: string[]) => (text: string) =>
    void lines.push(...text.split('\n').filter((line) => line && !/no Pod of it is/.test(line)))
  const code = open(
    { target, cluster: clusterOf({ kubeconfig: api.kubeconfig }), port, browser, suspend },
    {
      stdout: { write: add(printed) },
      stderr: { write: add(messages) },
      isInteractive: given.isInteractive ?? false,
      ask: given.answer ?? (async () => ''),
      interrupted: () => new Promise((resolve) => listeners.push(resolve)),
      browse: given.browse ?? (async (address) => void browsed.push(address)),
      now: () => '2026-01-01T00:00:00Z',
    },
  )
  const interrupt = (signal: NodeJS.Signals = 'SIGINT') => listeners.shift()?.(signal)
  ends.push(async () => {
    interrupt('SIGTERM')
    await code
  })
  return { messages, printed, browsed, code, interrupt }
}
