import { X509Certificate } from 'node:crypto'
import { CoreV1Api, type V1Secret } from '@kubernetes/client-node'
import { makeCertificate } from '../cluster/certificates.ts'
import { kubeConfigOf } from '../cluster/kubeconfig.ts'
import { logger } from '../server/log.ts'

interface Options {
  readonly namespace: string
  readonly ca: string
  readonly secret: string
  readonly name: readonly string[]
  readonly days: number
  readonly kubeconfig?: string
}

const day = 86_400_000

/**
 * Renews the certificate in the server's Secret with the same CA, so that its clients need no change.
 * It does nothing while more than two thirds of the old certificate's lifetime are left.
 */
export async function renewCommand(options: Options): Promise<number> {
  const { namespace, ca, secret, name: names, days, kubeconfig } = options
  const log = logger()
  const kubeConfig = kubeConfigOf(kubeconfig || 'in-cluster')
  const api = kubeConfig.makeApiClient(CoreV1Api)
  const read = (name: string) => api.readNamespacedSecret({ name, namespace })
  const present = await read(secret)
  const left = timeLeft(valueIn(present, 'tls.crt'))
  if (left > (days * day * 2) / 3) {
    log.info({ secret, daysLeft: Math.floor(left / day) }, 'the certificate is new enough')
    return 0
  }
  const authority = await read(ca)
  const from = new Date(Date.now() - 3_600_000)
  const until = new Date(Date.now() + days * day)
  const caCertificate = valueIn(authority, 'tls.crt')
  if (timeLeft(caCertificate) < days * day)
    throw new Error(
      `the CA in Secret "${ca}" ends too soon: delete the Secrets "${ca}" and "${secret}" and run helm upgrade`,
    )
  const { cert, key } = await makeCertificate({
    ca: { cert: caCertificate, key: valueIn(authority, 'tls.key') },
    subject: { commonName: names[0] ?? '' },
    names,
    purposes: ['serverAuth'],
    from,
    until,
  })
  // The Secret has its resourceVersion: if two renew it at once, one gets a conflict.
  await api.replaceNamespacedSecret({
    name: secret,
    namespace,
    body: {
      ...present,
      data: { ...present.data, 'tls.crt': base64(cert), 'tls.key': base64(key) },
    },
  })
  log.info({ secret, until: until.toISOString() }, 'renewed the certificate')
  return 0
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

function valueIn({ data, metadata }: V1Secret, key: string): string {
  const value = data?.[key]
  if (!value) throw new Error(`Secret "${metadata?.name}" has no "${key}"`)
  return Buffer.from(value, 'base64').toString()
}

const timeLeft = (certificate: string): number =>
  Date.parse(new X509Certificate(certificate).validTo) - Date.now()
