import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { issue } from '../../../install/x509.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-x509-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const openssl = (...args: readonly string[]): string =>
  execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })

/** A CA as openssl makes it. */
function authority(...key: readonly string[]) {
  openssl(
    ...['req', '-x509', ...key, '-nodes', '-days', '30', '-subj', '/O=Acme/CN=the CA'],
    ...['-keyout', 'ca.key', '-out', 'ca.crt'],
  )
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  return { cert: read('ca.crt'), key: read('ca.key') }
}

const names = ['substratus.team.svc', 'substratus.team.svc.cluster.local', '10.1.2.3', '127.0.0.1']
const from = new Date('2026-01-01T00:00:00Z')
const until = new Date('2126-01-01T00:00:00Z')

describe.each([
  { kind: 'RSA, as Helm makes them', key: ['-newkey', 'rsa:2048'] },
  { kind: 'ECDSA', key: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] },
])('a certificate of a CA with a key of $kind', ({ key }) => {
  test('is one for openssl, and for nothing but a server', () => {
    const ca = authority(...key)
    writeFileSync(join(folder, 'leaf.crt'), issue({ ca, names, from, until }).cert)
    expect(openssl('verify', '-purpose', 'sslserver', '-CAfile', 'ca.crt', 'leaf.crt')).toBe(
      'leaf.crt: OK\n',
    )
    expect(() =>
      openssl('verify', '-purpose', 'sslclient', '-CAfile', 'ca.crt', 'leaf.crt'),
    ).toThrow(/unsupported certificate purpose|unsuitable certificate purpose/)
  })

  test('names whom it is for, by whom and for how long', () => {
    const ca = authority(...key)
    const made = issue({ ca, names, from, until })
    const certificate = new X509Certificate(made.cert)
    expect(certificate.verify(new X509Certificate(ca.cert).publicKey)).toBe(true)
    expect(certificate.checkIssued(new X509Certificate(ca.cert))).toBe(true)
    expect(certificate.subjectAltName).toBe(
      'DNS:substratus.team.svc, DNS:substratus.team.svc.cluster.local, IP Address:10.1.2.3, IP Address:127.0.0.1',
    )
    expect(certificate.ca).toBe(false)
    expect([new Date(certificate.validFrom), new Date(certificate.validTo)]).toEqual([from, until])
  })

  test('serves whoever trusts the CA', async () => {
    const ca = authority(...key)
    const server = createServer(issue({ ca, names, from, until }))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    const trusted = await new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', servername: names[0], ca: ca.cert }, () => {
        resolve(socket.authorized)
        socket.destroy()
      })
      socket.on('error', reject)
    })
    server.close()
    expect(trusted).toBe(true)
  })
})

test('no two have the same serial number or key', () => {
  const ca = authority('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256')
  const made = Array.from({ length: 50 }, () => issue({ ca, names, from, until }))
  const serials = made.map(({ cert }) => new X509Certificate(cert).serialNumber)
  expect(new Set(serials).size).toBe(50)
  expect(new Set(made.map(({ key }) => key)).size).toBe(50)
})

test('a key that is not the CA’s is refused', () => {
  const ca = authority('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256')
  const other = authority('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256')
  expect(() => issue({ ca: { ...ca, key: other.key }, names, from, until })).toThrow(
    'the key of the CA does not belong to its certificate',
  )
})
