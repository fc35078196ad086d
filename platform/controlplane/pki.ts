import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { reasonOf } from '../../cluster/reason.ts'
import { command } from '../command.ts'

interface Certificate {
  readonly cert: string
  readonly key: string
}

/** One CA for servers and clients; a client's subject says who it is: CN = user, O = group. */
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
  'DNS:localhost',
  'DNS:kubernetes',
  'DNS:kubernetes.default',
  'DNS:kubernetes.default.svc',
  'DNS:kubernetes.default.svc.cluster.local',
  'IP:127.0.0.1',
  'IP:10.96.0.1',
]

const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

const at = (folder: string, name: string): Certificate => ({
  cert: join(folder, `${name}.crt`),
  key: join(folder, `${name}.key`),
})

/** One more certificate of a folder's CA, for a client, a server, or both. */
export async function issue(
  folder: string,
  name: string,
  subject: string,
  names = 'DNS:localhost',
): Promise<Certificate> {
  const made = at(folder, name)
  const ca = at(folder, 'ca')
  const [request, extensions] = [join(folder, `${name}.csr`), join(folder, `${name}.ext`)]
  await writeFile(extensions, `subjectAltName=${names}\nextendedKeyUsage=clientAuth,serverAuth\n`)
  await openssl('req', ...key, '-subj', subject, '-keyout', made.key, '-out', request)
  const sign = ['-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial', '-days', '3650']
  await openssl('x509', '-req', '-in', request, ...sign, '-extfile', extensions, '-out', made.cert)
  return made
}

/** Makes all keys and certificates in a folder, with openssl; the API server listens on the address. */
export async function makePki(folder: string, address: string): Promise<Pki> {
  await command('openssl', ['version']).catch((error) => {
    throw new Error(`openssl makes the certificates, and does not run here: ${reasonOf(error)}`)
  })
  const ca = at(folder, 'ca')
  await openssl(
    'req',
    '-x509',
    ...key,
    '-days',
    '3650',
    '-subj',
    '/CN=substratus-up',
    '-keyout',
    ca.key,
    '-out',
    ca.cert,
  )

  const of = (name: string, subject: string, names?: string) => issue(folder, name, subject, names)
  const names = [...new Set([...apiserverNames, `IP:${address}`])]
  const serviceAccountKey = join(folder, 'sa.key')
  await openssl('genrsa', '-out', serviceAccountKey, '2048')
  return {
    ca,
    // One after the other: -CAcreateserial keeps its count in a file.
    apiserver: await of('apiserver', '/CN=kube-apiserver', names.join(',')),
    admin: await of('admin', '/O=system:masters/CN=admin'),
    controllerManager: await of('controller-manager', '/CN=system:kube-controller-manager'),
    scheduler: await of('scheduler', '/CN=system:kube-scheduler'),
    hooks: await of('hooks', '/CN=substratus', 'DNS:localhost,IP:127.0.0.1'),
    serviceAccountKey,
  }
}

const openssl = (...args: readonly string[]) => command('openssl', args)

/** Writes the kubeconfig of a client, complete in itself. */
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
