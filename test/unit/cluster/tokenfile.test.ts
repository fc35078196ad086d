import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { kubeConfigOf } from '../../../cluster/kubeconfig.ts'

/** The token that is sent to the API server, when its file is replaced as the kubelet does it. */

let folder: string
let kubeConfig: KubeConfig
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-token-'))
  write('first')
  const file = join(folder, 'kubeconfig')
  const config = { tokenFile: join(folder, 'token') }
  writeFileSync(
    file,
    JSON.stringify({
      clusters: [{ name: 'it', cluster: { server: 'https://it.example' } }],
      users: [{ name: 'it', user: { 'auth-provider': { name: 'tokenFile', config } } }],
      contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
      'current-context': 'it',
    }),
  )
  kubeConfig = kubeConfigOf(file)
  vi.useFakeTimers({ toFake: ['Date', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

const write = (token: string) => writeFileSync(join(folder, 'token'), token)
const minutes = (count: number): number => count * 60_000
const later = () => vi.advanceTimersByTime(minutes(1.1))
const moveClock = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds)

/** The header of the next request. */
async function sent(): Promise<unknown> {
  const options: RequestOptions = { headers: { accept: 'application/json' } }
  await kubeConfig.applyToHTTPSOptions(options)
  return options.headers
}
const headers = (token: string) => ({
  accept: 'application/json',
  Authorization: `Bearer ${token}`,
})

describe('the token that is sent', () => {
  test('is the one in the file', async () => {
    expect(await sent()).toEqual(headers('first'))
  })

  test('is replaced with the file', async () => {
    await sent()
    write('second')
    later()
    expect(await sent()).toEqual(headers('second'))
  })

  test('is replaced although the clock was ahead when it was read', async () => {
    moveClock(minutes(60))
    await sent()
    moveClock(-minutes(60))
    write('second')
    later()
    expect(await sent()).toEqual(headers('second'))
  })

  test('stays while the file is missing', async () => {
    await sent()
    rmSync(join(folder, 'token'))
    later()
    expect(await sent()).toEqual(headers('first'))
  })
})

test('without a token from the start, the request fails', async () => {
  rmSync(join(folder, 'token'))
  await expect(sent()).rejects.toThrow('ENOENT')
})
