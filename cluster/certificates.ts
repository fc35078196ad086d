// @peculiar/x509 needs it as soon as it is loaded.
import 'reflect-metadata'
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

/**
 * Makes a CA, and certificates that a CA signs. Node reads X.509 but does not write it, so a library
 * does. New keys are on the curve P-256.
 */

/** Both as PEM, the key as PKCS#8. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** The API server reads a client's common name as its user, and the organization as its group. */
export interface Subject {
  readonly commonName: string
  readonly organization?: string
}

interface AuthorityOptions {
  readonly subject: Subject
  readonly from: Date
  readonly until: Date
}

interface CertificateOptions extends AuthorityOptions {
  /** Its key may be on an elliptic curve, or RSA, which is what Helm generates. */
  readonly ca: Certificate
  /** DNS names and IP addresses. */
  readonly names: readonly string[]
  readonly purposes: readonly ('serverAuth' | 'clientAuth')[]
}

/** A new CA, which signs itself. */
export async function makeAuthority(options: AuthorityOptions): Promise<Certificate> {
  const keys = newKeys()
  const subject = nameOf(options.subject)
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags
  return sign({
    ...options,
    ...keys,
    subject,
    issuer: subject,
    signingKey: keys.privateKey,
    signatureAlgorithm: new x509.PublicKey(keys.publicKey).algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
}

/** A new key, and a certificate for it. */
export async function makeCertificate(options: CertificateOptions): Promise<Certificate> {
  const signingKey = createPrivateKey(options.ca.key)
  const caCertificate = new X509Certificate(options.ca.cert)
  if (!caCertificate.checkPrivateKey(signingKey))
    throw new Error('the key of the CA does not belong to its certificate')
  const authority = new x509.X509Certificate(caCertificate.raw)
  const caKeyId = authority.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId
  const keys = newKeys()
  return sign({
    ...options,
    ...keys,
    subject: nameOf(options.subject),
    // As encoded in the CA's certificate: verifiers compare the bytes.
    issuer: authority.subjectName,
    signingKey,
    signatureAlgorithm: authority.publicKey.algorithm,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(
        options.purposes.map((purpose) => x509.ExtendedKeyUsage[purpose]),
      ),
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.SubjectAlternativeNameExtension(
        options.names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(caKeyId ? [new x509.AuthorityKeyIdentifierExtension(caKeyId)] : []),
    ],
  })
}

/** A new key pair, with the public key as DER. */
function newKeys() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { publicKey: publicKey.export({ type: 'spki', format: 'der' }), privateKey }
}

/** A distinguished name in UTF-8 strings, in which no character has a special meaning. */
const nameOf = ({ organization, commonName }: Subject): x509.Name =>
  new x509.Name([
    ...(organization ? [{ O: [{ utf8String: organization }] }] : []),
    { CN: [{ utf8String: commonName }] },
  ])

interface Parts {
  readonly subject: x509.Name
  readonly issuer: x509.Name
  readonly from: Date
  readonly until: Date
  readonly publicKey: Buffer
  readonly privateKey: KeyObject
  readonly signingKey: KeyObject
  readonly signatureAlgorithm: x509.PublicKey['algorithm']
  readonly extensions: x509.Extension[]
}

async function sign(parts: Parts): Promise<Certificate> {
  const { subject, issuer, from, until, publicKey, privateKey, extensions } = parts
  const algorithm = { ...parts.signatureAlgorithm, hash: 'SHA-256' }
  const made = await x509.X509CertificateGenerator.create({
    subject,
    issuer,
    publicKey,
    extensions,
    notBefore: from,
    notAfter: until,
    signingAlgorithm: algorithm,
    signingKey: parts.signingKey.toCryptoKey(algorithm, false, ['sign']),
  })
  return {
    cert: new X509Certificate(Buffer.from(made.rawData)).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
