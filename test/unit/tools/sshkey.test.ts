import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sshKeyOf, unixLines } from '../../../tools/sshkey.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-sshkey-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A new key, and its public half. */
function made(...how: readonly string[]) {
  const path = join(mkdtempSync(join(folder, 'key-')), 'key')
  execFileSync('ssh-keygen', ['-q', '-f', path, ...how])
  return { key: readFileSync(path, 'utf8'), open: readFileSync(`${path}.pub`, 'utf8') }
}

/** What ssh-keygen derives from a key as ssh would read it. */
function publicOf(key: string): string {
  const path = join(mkdtempSync(join(folder, 'read-')), 'key')
  writeFileSync(path, key, { mode: 0o600 })
  return execFileSync('ssh-keygen', ['-y', '-f', path], { encoding: 'utf8' }).split(/\s/)[1] ?? ''
}

describe.each([
  { type: 'ed25519', how: ['-t', 'ed25519', '-N', ''] },
  { type: 'ecdsa', how: ['-t', 'ecdsa', '-N', ''] },
  { type: 'RSA as PEM', how: ['-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', ''] },
  { type: 'RSA as PKCS#8', how: ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8', '-N', ''] },
])('a key of type $type is read by ssh', ({ how }) => {
  let key: string
  let open: string
  beforeAll(() => {
    const pair = made(...how)
    key = pair.key
    open = pair.open.split(/\s/)[1] ?? ''
  })

  test.each([
    { what: 'as it is', bent: (text: string) => text },
    { what: 'without its final newline', bent: (text: string) => text.trimEnd() },
    { what: 'with empty lines at its end', bent: (text: string) => `${text}\n \n` },
    { what: 'with CRLF', bent: (text: string) => text.replaceAll('\n', '\r\n') },
    { what: 'with CR', bent: (text: string) => text.replaceAll('\n', '\r') },
    { what: 'behind a byte order mark', bent: (text: string) => `\uFEFF${text}` },
    { what: 'indented', bent: (text: string) => text.replaceAll(/^/gm, '  ') },
    { what: 'below the attributes of a bag', bent: (text: string) => `Bag Attributes\n${text}` },
  ])('$what', ({ bent }) => {
    expect(publicOf(sshKeyOf(bent(key)))).toBe(open)
  })
})

describe('a key that cannot work', () => {
  const plain = ['-t', 'ed25519', '-N', ''] as const
  const locked = 'has a passphrase'
  test.each([
    { what: 'the public key', text: () => made(...plain).open, says: 'is the public key' },
    {
      what: 'a public key as PEM',
      text: () => '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
      says: 'is the public key',
    },
    {
      what: 'a passphrase',
      text: () => made('-t', 'ed25519', '-N', 'a long one').key,
      says: locked,
    },
    {
      what: 'a passphrase, as PEM',
      text: () => made('-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', 'a long one').key,
      says: locked,
    },
    {
      what: 'a passphrase, as PKCS#8',
      text: () => made('-t', 'rsa', '-b', '2048', '-m', 'PKCS8', '-N', 'a long one').key,
      says: locked,
    },
    {
      what: 'a key of PuTTY',
      text: () => 'PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n',
      says: 'is in the format of PuTTY: convert it with puttygen',
    },
    {
      what: 'base64 of base64',
      text: () => Buffer.from(made(...plain).key).toString('base64'),
      says: 'is encoded in base64 twice',
    },
    {
      what: 'a key on one line',
      text: () => made(...plain).key.replaceAll('\n', ' '),
      says: 'is no private key: its first line',
    },
    { what: 'a token', text: () => 'ghp_s3cr3t', says: 'is no private key' },
    { what: 'nothing', text: () => '', says: 'is no private key' },
    {
      what: 'half a key',
      text: () => made(...plain).key.slice(0, 200),
      says: 'is not whole: its last line',
    },
  ])('$what is reported, and not repeated', ({ text, says }) => {
    const given = text()
    expect(() => sshKeyOf(given)).toThrow(
      `ssh-privatekey in the Secret of build.git.secretName ${says}`,
    )
    for (const part of given.match(/[\w+/=]{10,}/g) ?? [])
      if (!/^(PuTTY|PRIVATE)/.test(part)) expect(() => sshKeyOf(given)).not.toThrow(part)
  })
})

test('known_hosts and certificates of Windows get the line ends of Unix', () => {
  expect(unixLines('host ssh-ed25519 AAAA\r\nother ssh-rsa BBBB')).toBe(
    'host ssh-ed25519 AAAA\nother ssh-rsa BBBB\n',
  )
})

test('a clone shows ssh the key and known_hosts so', async () => {
  const home = mkdtempSync(join(folder, 'home-'))
  const { key, open } = made('-t', 'ed25519', '-N', '')
  const ssh = '#!/bin/sh\ncp "$HOME/ssh-key" "$HOME/known_hosts" "$HOME/seen"\nexit 255\n'
  for (const name of ['bin', 'seen', 'into', 'secret']) mkdirSync(join(home, name))
  writeFileSync(join(home, 'bin/ssh'), ssh, { mode: 0o755 })
  writeFileSync(join(home, 'secret/ssh-privatekey'), key.trimEnd().replaceAll('\n', '\r\n'))
  writeFileSync(join(home, 'secret/known_hosts'), `host ${open.trim()}\r\n`)
  const words = ['--url=ssh://git@host/x.git', `--secret=${home}/secret`, `--into=${home}/into`]
  const env = { HOME: home, PATH: `${home}/bin:${process.env.PATH}` }
  await expect(
    promisify(execFile)(process.execPath, ['tools/main.ts', 'clone', ...words], { env }),
  ).rejects.toThrow('ssh://git@host/x.git cannot be cloned')
  expect(readFileSync(join(home, 'seen/ssh-key'), 'utf8')).toBe(key)
  expect(readFileSync(join(home, 'seen/known_hosts'), 'utf8')).toBe(`host ${open.trim()}\n`)
  expect(statSync(join(home, 'ssh-key')).mode & 0o777).toBe(0o600)
})
