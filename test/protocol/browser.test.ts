import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { browse, oneTimeAddressFor } from '../../open/browser.ts'

describe('the user’s browser is started by the system’s own program', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'substratus-browser-'))
    vi.stubEnv('PATH', folder)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true })
  })
  const install = (script: string) => {
    for (const name of ['xdg-open', 'open']) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
      chmodSync(join(folder, name), 0o755)
    }
  }

  test('with the address', async () => {
    install(`echo "$@" > ${folder}/asked`)
    await browse('http://127.0.0.1:1/x')
    expect(readFileSync(join(folder, 'asked'), 'utf8')).toBe('http://127.0.0.1:1/x\n')
  })

  test('which may become the browser, and not end', async () => {
    install('exec /bin/sleep 5')
    await browse('http://127.0.0.1:1/x')
  })

  test.each([
    { when: 'it fails', script: 'exit 3', says: /^(xdg-)?open ended with exit code 3$/ },
    { when: 'there is none', script: undefined, says: /^spawn (xdg-)?open ENOENT$/ },
  ])('$when: the error says so', async ({ script, says }) => {
    if (script) install(script)
    await expect(browse('http://127.0.0.1:1/x')).rejects.toThrow(says)
  })
})

describe('a one-time address', () => {
  const target = 'http://127.0.0.1:1/?token=secret'
  const visit = (address: string, method = 'GET') => fetch(address, { method, redirect: 'manual' })

  test('redirects once, leaves no trace, and is closed', async () => {
    const { address } = await oneTimeAddressFor(target)
    const answer = await visit(address)
    expect(answer.status).toBe(302)
    expect(answer.headers.get('location')).toBe(target)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    await expect(visit(address)).rejects.toThrow()
  })

  test.each([
    { request: 'without the secret', path: '/', method: 'GET' },
    { request: 'with a wrong secret', path: '/0123456789abcdef0123456789abcdef', method: 'GET' },
    { request: 'with the method HEAD', path: undefined, method: 'HEAD' },
  ])('reveals nothing to a request $request, and still works once', async ({ path, method }) => {
    const { address, close } = await oneTimeAddressFor(target)
    try {
      const refused = await visit(path ? new URL(path, address).href : address, method)
      expect(refused.status).toBe(404)
      expect(refused.headers.get('location')).toBeNull()
      expect((await visit(address)).status).toBe(302)
    } finally {
      close()
    }
  })
})
