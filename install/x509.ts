import {
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { isIP } from 'node:net'

/**
 * Certificates for servers, signed by a CA that is given. Node reads X.509 and does not write it; this
 * writes the little that a server's certificate has, as DER.
 */

const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), content])
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, content])
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts)
const bits = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content)
const octets = (content: Buffer): Buffer => der(0x04, content)
const nothing = der(0x05)
const yes = der(0x01, Buffer.from([0xff]))

/** Object identifiers, as their encoded content. */
const ids = {
  commonName: '550403',
  keyUsage: '551d0f',
  alternativeName: '551d11',
  basicConstraints: '551d13',
  extendedKeyUsage: '551d25',
  serverAuth: '2b06010505070301',
  ecdsaWithSha256: '2a8648ce3d040302',
  rsaWithSha256: '2a864886f70d01010b',
} as const

const id = (name: keyof typeof ids): Buffer => der(0x06, Buffer.from(ids[name], 'hex'))

/** YYYYMMDDHHMMSSZ is GeneralizedTime; before 2050 it must be UTCTime, which leaves out the century. */
const time = (date: Date): Buffer => {
  const text = `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  return date.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(text.slice(2)))
    : der(0x18, Buffer.from(text))
}

const named = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(id('commonName'), der(0x0c, Buffer.from(commonName)))))

/** DNS names and IP addresses. */
const alternative = (name: string): Buffer => {
  if (isIP(name) === 4) return der(0x87, Buffer.from(name.split('.').map(Number)))
  if (isIP(name) === 6) throw new Error(`"${name}": IPv6 addresses are not provided for`)
  return der(0x82, Buffer.from(name))
}

const extension = (name: keyof typeof ids, critical: boolean, value: Buffer): Buffer =>
  sequence(id(name), ...(critical ? [yes] : []), octets(value))

/** The subject of a certificate as it stands there: whoever checks the issuer compares the bytes. */
function subjectOf(certificate: X509Certificate): Buffer {
  const [body] = elements(content(certificate.raw))
  const fields = body ? elements(content(body)) : []
  // [version], serial, signature algorithm, issuer, validity, subject
  const subject = fields[fields[0]?.[0] === 0xa0 ? 5 : 4]
  if (!subject) throw new Error('the certificate of the CA has no subject')
  return subject
}

/** Where the content of an element begins, and how long it is. */
const measure = (element: Buffer): readonly [number, number] => {
  const first = element[1] ?? 0
  if (first < 128) return [2, first]
  const count = first & 0x7f
  return [2 + count, element.readUIntBE(2, count)]
}

const content = (element: Buffer): Buffer => {
  const [start, length] = measure(element)
  return element.subarray(start, start + length)
}

function elements(all: Buffer): readonly Buffer[] {
  const found: Buffer[] = []
  for (let rest = all; rest.length; ) {
    const [start, length] = measure(rest)
    found.push(rest.subarray(0, start + length))
    rest = rest.subarray(start + length)
  }
  return found
}

const pem = (label: string, bytes: Buffer): string =>
  `-----BEGIN ${label}-----\n${bytes.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`

interface Wanted {
  readonly ca: { readonly cert: string; readonly key: string }
  /** DNS names and IPv4 addresses; the first is the common name. */
  readonly names: readonly string[]
  readonly from: Date
  readonly until: Date
}

/** A new key, and a certificate for it. */
export function issue({ ca, names, from, until }: Wanted): { cert: string; key: string } {
  const caKey = createPrivateKey(ca.key)
  const caCertificate = new X509Certificate(ca.cert)
  if (!caCertificate.checkPrivateKey(caKey))
    throw new Error('the key of the CA does not belong to its certificate')
  const algorithm =
    caKey.asymmetricKeyType === 'rsa'
      ? sequence(id('rsaWithSha256'), nothing)
      : sequence(id('ecdsaWithSha256'))
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const serial = randomBytes(16)
  // Positive, and never written with a superfluous zero in front.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    subjectOf(caCertificate),
    sequence(time(from), time(until)),
    named(names[0] ?? ''),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        extension('keyUsage', true, der(0x03, Buffer.from([7, 0x80]))),
        extension('extendedKeyUsage', false, sequence(id('serverAuth'))),
        extension('basicConstraints', true, sequence()),
        extension('alternativeName', false, sequence(...names.map(alternative))),
      ),
    ),
  )
  const signature = sign('sha256', body, caKey)
  return {
    cert: pem('CERTIFICATE', sequence(body, algorithm, bits(signature))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
