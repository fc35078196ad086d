import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import {
  type Certificate,
  makeAuthority,
  makeCertificate,
  type Subject,
} from '../../cluster/certificates.ts'

/** One CA for servers and clients; a client's subject names its user (CN) and group (O). */
export interface Pki {
  readonly ca: Certificate
  readonly apiserver: Certificate
  readonly admin: Certificate
  readonly controllerManager: Certificate
  readonly scheduler: Certificate
  /** Of the hooks and webhooks server on 127.0.0.1. */
  readonly hooks: Certificate
  /** Signs the tokens of ServiceAccounts. */
  readonly serviceAccountKey: string
}

const apiserverNames = [
  'localhost',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  '127.0.0.1',
  '10.96.0.1',
]

const at = (folder: string, name: string): Certificate => ({
  cert: join(folder, `${name}.crt`),
  key: join(folder, `${name}.key`),
})

const lifetime = () => ({ from: new Date(), until: new Date(Date.now() + 3650 * 86_400_000) })

async function write(folder: string, name: string, { cert, key }: Certificate) {
  const files = at(folder, name)
  await writeFile(files.cert, cert)
  await writeFile(files.key, key, { mode: 0o600 })
  return files
}

/** Issues another certificate of a folder's CA, for a client, a server, or both. */
export async function issue(
  folder: string,
  name: string,
  subject: Subject,
  names: readonly string[] = ['localhost'],
): Promise<Certificate> {
  const files = at(folder, 'ca')
  const [cert, key] = await Promise.all([readFile(files.cert, 'utf8'), readFile(files.key, 'utf8')])
  const purposes = ['clientAuth', 'serverAuth'] as const
  const made = await makeCertificate({ ca: { cert, key }, subject, names, purposes, ...lifetime() })
  return write(folder, name, made)
}

/** Creates all keys and certificates in a folder, for an API server on this address. */
export async function makePki(folder: string, address: string): Promise<Pki> {
  const authority = await makeAuthority({
    subject: { commonName: 'substratus-up' },
    ...lifetime(),
  })
  const ca = await write(folder, 'ca', authority)
  const of = (name: string, commonName: string, names?: readonly string[]) =>
    issue(folder, name, { commonName }, names)
  const serviceAccountKey = join(folder, 'sa.key')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  await writeFile(serviceAccountKey, pem, { mode: 0o600 })
  return {
    ca,
    apiserver: await of('apiserver', 'kube-apiserver', [...new Set([...apiserverNames, address])]),
    admin: await issue(folder, 'admin', { organization: 'system:masters', commonName: 'admin' }),
    controllerManager: await of('controller-manager', 'system:kube-controller-manager'),
    scheduler: await of('scheduler', 'system:kube-scheduler'),
    hooks: await of('hooks', 'substratus', ['localhost', '127.0.0.1']),
    serviceAccountKey,
  }
}

/** Writes a kubeconfig that embeds its certificates. */
export async function writeKubeconfig(
  path: string,
  server: string,
  ca: string,
  user: string,
  client: Certificate,
): Promise<string> {
  const data = async (file: string) => (await readFile(file)).toString('base64')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'substratus-up', cluster: { server, 'certificate-authority-data': await data(ca) } },
    ],
    users: [
      {
        name: user,
        user: {
          'client-certificate-data': await data(client.cert),
          'client-key-data': await data(client.key),
        },
      },
    ],
    contexts: [
      { name: 'substratus-up', context: { cluster: 'substratus-up', user, namespace: 'default' } },
    ],
    'current-context': 'substratus-up',
  }
  await writeFile(path, stringify(config), { mode: 0o600 })
  return path
}
