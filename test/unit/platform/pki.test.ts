import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { issue, makePki, type Pki } from '../../../platform/controlplane/pki.ts'

let folder: string
let pki: Pki
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-pki-'))
  pki = await makePki(folder, '192.0.2.1')
})
afterAll(() => rmSync(folder, { recursive: true }))

const read = (path: string) => readFileSync(path, 'utf8')
const certificate = (path: string) => new X509Certificate(read(path))

test('keys are PKCS#8, and readable only by their owner', () => {
  const keys = readdirSync(folder).filter((name) => name.endsWith('.key'))
  expect(keys).toHaveLength(7)
  for (const name of keys) {
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(read(join(folder, name))).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
  }
})

test('a client certificate names its user and its group', () => {
  const { admin, controllerManager, scheduler } = pki
  expect(
    [admin, controllerManager, scheduler].map(({ cert }) => certificate(cert).subject),
  ).toEqual([
    'O=system:masters\nCN=admin',
    'CN=system:kube-controller-manager',
    'CN=system:kube-scheduler',
  ])
})

test('the API server’s certificate contains each of its names once', async () => {
  expect(certificate(pki.apiserver.cert).subjectAltName?.split(', ')).toEqual([
    'DNS:localhost',
    'DNS:kubernetes',
    'DNS:kubernetes.default',
    'DNS:kubernetes.default.svc',
    'DNS:kubernetes.default.svc.cluster.local',
    'IP Address:127.0.0.1',
    'IP Address:10.96.0.1',
    'IP Address:192.0.2.1',
  ])
})

test('all certificates match their keys, come from one CA, and are valid for ten years', async () => {
  const more = await issue(folder, 'more', { commonName: 'more' })
  const ca = certificate(pki.ca.cert)
  const { apiserver, admin, controllerManager, scheduler, hooks } = pki
  for (const { cert, key } of [apiserver, admin, controllerManager, scheduler, hooks, more]) {
    const one = certificate(cert)
    expect(one.checkIssued(ca) && one.verify(ca.publicKey)).toBe(true)
    expect(one.checkPrivateKey(createPrivateKey(read(key)))).toBe(true)
    expect(one.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'])
    expect(Date.parse(one.validTo) - Date.parse(one.validFrom)).toBe(3650 * 86_400_000)
  }
})
