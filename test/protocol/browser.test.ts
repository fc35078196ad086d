import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { browse, oneTimeAddressFor } from '../../open/browser.ts'

vi.setConfig({ testTimeout: 30_000 })

describe('the person’s browser is started by the program that the system has for it', () => {
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

  test('which may become the browser, and stay', async () => {
    install('exec /bin/sleep 5')
    await browse('http://127.0.0.1:1/x')
  })

  test.each([
    { when: 'it fails', script: 'exit 3', says: /^(xdg-)?open ended with exit code 3$/ },
    { when: 'there is none', script: undefined, says: /^spawn (xdg-)?open ENOENT$/ },
  ])('$when: that is said', async ({ script, says }) => {
    if (script) install(script)
    await expect(browse('http://127.0.0.1:1/x')).rejects.toThrow(says)
  })
})

describe('a door', () => {
  const target = 'http://127.0.0.1:1/?token=secret'
  const visit = (address: string, method = 'GET') => fetch(address, { method, redirect: 'manual' })

  test('leads there once, leaves no trace, and is gone', async () => {
    const { address } = await oneTimeAddressFor(target)
    const answer = await visit(address)
    expect(answer.status).toBe(302)
    expect(answer.headers.get('location')).toBe(target)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    await expect(visit(address)).rejects.toThrow()
  })

  test.each([
    { who: 'without the word', path: '/', method: 'GET' },
    { who: 'with a wrong one', path: '/0123456789abcdef0123456789abcdef', method: 'GET' },
    { who: 'looking only', path: undefined, method: 'HEAD' },
  ])('tells nothing to who comes $who, and stays for the right one', async ({ path, method }) => {
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
