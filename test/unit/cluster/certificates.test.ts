// @peculiar/x509 needs it as soon as it is loaded.
import 'reflect-metadata'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import * as x509 from '@peculiar/x509'
import { describe, expect, test } from 'vitest'
import { makeAuthority, makeCertificate } from '../../../cluster/certificates.ts'

/** Node reads the certificates with OpenSSL's code. */

const names = ['substratus.team.svc', 'substratus.team.svc.cluster.local', '10.1.2.3', '127.0.0.1']
const from = new Date('2026-01-01T00:00:00Z')
const until = new Date('2126-01-01T00:00:00Z')
const subject = { commonName: 'substratus.team.svc' }
const purposes = ['serverAuth'] as const

const ownAuthority = () => makeAuthority({ subject: { commonName: 'the CA' }, from, until })

/** A CA whose name has another string type than ours. */
async function otherAuthority(
  keys: ReturnType<typeof generateKeyPairSync>,
  type: 'pkcs1' | 'sec1',
) {
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' })
  const { algorithm } = new x509.PublicKey(publicKey)
  const signing = { ...algorithm, hash: 'SHA-256' }
  const name = new x509.Name([{ O: [{ printableString: 'Acme' }] }, { CN: ['the CA'] }])
  const made = await x509.X509CertificateGenerator.create({
    subject: name,
    issuer: name,
    publicKey,
    notBefore: from,
    notAfter: until,
    signingAlgorithm: signing,
    signingKey: keys.privateKey.toCryptoKey(signing, false, ['sign']),
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })
  return {
    cert: new X509Certificate(Buffer.from(made.rawData)).toString(),
    key: keys.privateKey.export({ type, format: 'pem' }).toString(),
  }
}

/** Whether a server and its client trust each other by this CA, and why the server does not. */
async function handshake(ca: string, server: object, client: object) {
  const listening = createServer({ ...server, ca, requestCert: true, rejectUnauthorized: false })
  await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done))
  const { port } = listening.address() as AddressInfo
  const accepted = new Promise<TLSSocket>((done) => listening.once('secureConnection', done))
  const socket = connect({ ...client, port, host: '127.0.0.1', servername: names[0], ca })
  try {
    await new Promise((done, failed) => socket.on('secureConnect', done).on('error', failed))
    const { authorized, authorizationError } = await accepted
    return { server: socket.authorized, client: authorized, why: authorizationError }
  } finally {
    socket.destroy()
    listening.close()
  }
}

describe.each([
  { of: 'a CA of this module', authority: ownAuthority },
  {
    of: 'a CA with an RSA key, as Helm makes it',
    authority: () => otherAuthority(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'pkcs1'),
  },
  {
    of: 'a CA with a key on another curve',
    authority: () => otherAuthority(generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'sec1'),
  },
])('a certificate of $of', ({ authority }) => {
  test('has the names, the lifetime and the issuer that were requested', async () => {
    const ca = await authority()
    const made = await makeCertificate({ ca, subject, names, purposes, from, until })
    const certificate = new X509Certificate(made.cert)
    const issuer = new X509Certificate(ca.cert)
    expect(certificate.verify(issuer.publicKey)).toBe(true)
    expect(certificate.checkIssued(issuer)).toBe(true)
    expect(certificate.subject).toBe('CN=substratus.team.svc')
    expect(certificate.subjectAltName).toBe(
      'DNS:substratus.team.svc, DNS:substratus.team.svc.cluster.local, IP Address:10.1.2.3, IP Address:127.0.0.1',
    )
    expect(certificate.ca).toBe(false)
    expect([new Date(certificate.validFrom), new Date(certificate.validTo)]).toEqual([from, until])
    expect(made.cert).toBe(certificate.toString())
  })

  test('has the name of the CA byte for byte', async () => {
    const ca = await authority()
    const made = await makeCertificate({ ca, subject, names, purposes, from, until })
    const nameIn = (pem: string, field: 'issuerName' | 'subjectName') =>
      Buffer.from(new x509.X509Certificate(pem)[field].toArrayBuffer()).toString('hex')
    const name = nameIn(ca.cert, 'subjectName')
    expect(new X509Certificate(ca.cert).raw.toString('hex')).toContain(name)
    expect(new X509Certificate(made.cert).raw.toString('hex')).toContain(name)
  })

  test('authenticates a server to clients that trust the CA, and no client', async () => {
    const ca = await authority()
    const made = await makeCertificate({ ca, subject, names, purposes, from, until })
    expect(await handshake(ca.cert, made, made)).toEqual({
      server: true,
      client: false,
      why: 'INVALID_PURPOSE',
    })
  })

  test('authenticates a client if that is one of its purposes', async () => {
    const ca = await authority()
    const options = { ca, subject, names, from, until }
    const server = await makeCertificate({ ...options, purposes })
    const client = await makeCertificate({ ...options, purposes: ['clientAuth', 'serverAuth'] })
    expect(await handshake(ca.cert, server, client)).toMatchObject({ server: true, client: true })
  })
})

test('a key is PKCS#8 on P-256, and may only sign', async () => {
  const ca = await ownAuthority()
  const made = await makeCertificate({ ca, subject, names, purposes, from, until })
  expect(made.key).toMatch(/^-----BEGIN PRIVATE KEY-----\n[^-]+\n-----END PRIVATE KEY-----\n$/)
  const { publicKey, raw } = new X509Certificate(made.cert)
  expect(publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
  // keyUsage, critical, with the first of its bits alone.
  expect(raw.toString('hex')).toContain('0603551d0f0101ff040403020780')
})

test('a subject has an organization too, and characters that separate names are part of it', async () => {
  const ca = await ownAuthority()
  const { cert } = await makeCertificate({
    ...{ ca, names, purposes, from, until },
    subject: { organization: 'system:masters', commonName: 'a/O=b,CN="c"#' },
  })
  expect(new X509Certificate(cert).toLegacyObject().subject).toEqual({
    O: 'system:masters',
    CN: 'a/O=b,CN="c"#',
  })
})

test('an IPv6 address is a name of type IP', async () => {
  const ca = await ownAuthority()
  const options = { ca, subject, purposes, from, until }
  const { cert } = await makeCertificate({ ...options, names: ['fd00::1'] })
  expect(new X509Certificate(cert).checkIP('fd00::1')).toBe('fd00::1')
})

test('a CA signs itself, and may only sign', async () => {
  const ca = await ownAuthority()
  const certificate = new X509Certificate(ca.cert)
  expect(certificate.ca).toBe(true)
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(certificate.subject).toBe('CN=the CA')
  // keyUsage, critical, with the bits for certificates and for their revocation.
  expect(certificate.raw.toString('hex')).toContain('0603551d0f0101ff040403020106')
})

test('no two certificates have the same serial number or key', async () => {
  const ca = await ownAuthority()
  const { publicKey } = new X509Certificate(ca.cert)
  const made = await Promise.all(
    Array.from({ length: 50 }, () =>
      makeCertificate({ ca, subject, names, purposes, from, until }),
    ),
  )
  const certificates = made.map(({ cert }) => new X509Certificate(cert))
  expect(certificates.filter((one) => !one.verify(publicKey))).toEqual([])
  // Positive, with 20 bytes at most.
  for (const { serialNumber } of certificates) expect(serialNumber).toMatch(/^[0-9A-F]{20,40}$/)
  expect(new Set(certificates.map(({ serialNumber }) => serialNumber)).size).toBe(50)
  expect(new Set(made.map(({ key }) => key)).size).toBe(50)
})

test('a key that is not the CA’s is refused', async () => {
  const [ca, other] = await Promise.all([ownAuthority(), ownAuthority()])
  const options = { subject, names, purposes, from, until }
  await expect(makeCertificate({ ...options, ca: { ...ca, key: other.key } })).rejects.toThrow(
    'the key of the CA does not belong to its certificate',
  )
})
