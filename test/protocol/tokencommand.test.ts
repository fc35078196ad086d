import { execFile } from 'node:child_process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FakeApi, fakeApi } from './fakeapi.ts'

/** `substratus token`: what it asks of the API server, and what it prints where. */

let api: FakeApi
let isAllowed: boolean
beforeEach(async () => {
  isAllowed = true
  api = await fakeApi()
  api.posted = (path, body) => {
    const { audiences } = (body as { spec: { audiences?: string[] } }).spec
    return path.endsWith('/token')
      ? {
          status: {
            token: audiences ? 'the-key' : 'own-token',
            expirationTimestamp: '2026-01-02T00:00:00Z',
          },
        }
      : { status: { allowed: isAllowed } }
  }
})
afterEach(() => api.close())

const token = (...args: readonly string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const all = ['cli/main.ts', 'token', 'app', '--kubeconfig', api.kubeconfig, ...args]
    execFile(process.execPath, all, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })

test('the key has the gateway’s audience, and is all that standard output has', async () => {
  const { code, stdout, stderr } = await token('--hours', '2')
  expect([code, stdout]).toEqual([0, 'the-key\n'])
  expect(stderr).toBe('a key for ServiceAccount "app", valid until 2026-01-02T00:00:00Z\n')
  const path = 'POST /api/v1/namespaces/team/serviceaccounts/app/token'
  expect(api.requests[0]).toMatch(path)
  expect(api.requests[0]).toContain(
    '"spec":{"audiences":["substratus.ai/gateway"],"expirationSeconds":7200}',
  )
  expect(api.requests[1]).toMatch(path)
  expect(api.requests[1]).not.toContain('audiences')
  expect(api.requests[2]).toContain('/selfsubjectaccessreviews')
})

test('an account without the right gets its key, and the commands that allow it', async () => {
  isAllowed = false
  const { code, stdout, stderr } = await token('-n', 'other')
  expect([code, stdout]).toEqual([0, 'the-key\n'])
  expect(stderr).toContain(
    'kubectl create role models -n other --verb=create --resource=modelservers.substratus.ai/proxy\n',
  )
  expect(stderr).toContain(
    'kubectl create rolebinding app-models -n other --role=models --serviceaccount=other:app\n',
  )
})

test('an account that does not exist is told, with the command that makes it', async () => {
  api.refusals.set('/token', { code: 404, message: 'serviceaccounts "app" not found' })
  const { code, stdout, stderr } = await token()
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toBe(
    'error: serviceaccounts "app" not found: kubectl create serviceaccount app -n team\n',
  )
})
