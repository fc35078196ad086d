import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeAuthority, makeCertificate } from '../cluster/certificates.ts'

/** A certificate for servers on 127.0.0.1, and its CA, which is also written to a file. */
export async function localCertificate(folder: string) {
  const lifetime = { from: new Date(), until: new Date(Date.now() + 86_400_000) }
  const ca = await makeAuthority({ subject: { commonName: 'test' }, ...lifetime })
  const server = await makeCertificate({
    ca,
    subject: { commonName: '127.0.0.1' },
    names: ['127.0.0.1', 'localhost'],
    purposes: ['serverAuth'],
    ...lifetime,
  })
  const caFile = join(folder, 'authority.crt')
  writeFileSync(caFile, ca.cert)
  return { ca: ca.cert, caFile, server }
}
