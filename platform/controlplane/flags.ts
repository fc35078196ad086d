import { join } from 'node:path'
import { serviceRange } from '../node/addresses.ts'
import type { Pki } from './pki.ts'

/** The command lines of a control plane's processes. */
export type Flags = Readonly<Record<string, string | number | boolean | readonly string[]>>

export const argumentsOf = (flags: Flags): readonly string[] =>
  Object.entries(flags).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((item) => `--${name}=${item}`) : [`--${name}=${value}`],
  )

export const etcdFlags = (dir: string, clientUrl: string, peerUrl: string): Flags => ({
  'data-dir': join(dir, 'etcd'),
  'unsafe-no-fsync': true,
  'listen-client-urls': clientUrl,
  'advertise-client-urls': clientUrl,
  'listen-peer-urls': peerUrl,
  'initial-advertise-peer-urls': peerUrl,
  'initial-cluster': `default=${peerUrl}`,
  'quota-backend-bytes': 4 * 2 ** 30,
})

interface ApiServer {
  readonly etcdUrl: string
  readonly host: string
  readonly port: number
  readonly pki: Pki
  readonly realNode: boolean
}

export const apiserverFlags = ({ etcdUrl, host, port, pki, realNode }: ApiServer): Flags => ({
  'etcd-servers': etcdUrl,
  'secure-port': port,
  'bind-address': host,
  'advertise-address': host,
  'tls-cert-file': pki.apiserver.cert,
  'tls-private-key-file': pki.apiserver.key,
  'client-ca-file': pki.ca.cert,
  'service-account-key-file': pki.serviceAccountKey,
  'service-account-signing-key-file': pki.serviceAccountKey,
  'service-account-issuer': 'https://kubernetes.default.svc',
  'service-cluster-ip-range': serviceRange,
  'authorization-mode': 'Node,RBAC',
  'enable-aggregator-routing': true,
  'allow-privileged': true,
  ...(realNode
    ? {
        'kubelet-preferred-address-types': 'InternalIP,Hostname',
        'kubelet-certificate-authority': pki.ca.cert,
        'kubelet-client-certificate': pki.admin.cert,
        'kubelet-client-key': pki.admin.key,
      }
    : // An endpoint of the Service `kubernetes` cannot be a loopback address.
      { 'endpoint-reconciler-type': 'none' }),
})

/**
 * Requests a second of kube-controller-manager and kube-scheduler. At their default of 20, hundreds of Jobs
 * would have to wait.
 */
export const usualRate = 300

const rateFlags = (rate: number): Flags => ({ 'kube-api-qps': rate, 'kube-api-burst': 2 * rate })

export const managerFlags = (kubeconfig: string, port: number, pki: Pki, rate: number): Flags => ({
  kubeconfig,
  'secure-port': port,
  'bind-address': '127.0.0.1',
  'leader-elect': false,
  'use-service-account-credentials': true,
  'service-account-private-key-file': pki.serviceAccountKey,
  'root-ca-file': pki.ca.cert,
  'enable-hostpath-provisioner': true,
  ...rateFlags(rate),
})

export const schedulerFlags = (kubeconfig: string, port: number, rate: number): Flags => ({
  kubeconfig,
  'secure-port': port,
  'bind-address': '127.0.0.1',
  'leader-elect': false,
  ...rateFlags(rate),
})

export const kwokFlags = (kubeconfig: string, port: number, config: readonly string[]): Flags => ({
  kubeconfig,
  'manage-all-nodes': false,
  'manage-nodes-with-annotation-selector': 'kwok.x-k8s.io/node=fake',
  'server-address': `127.0.0.1:${port}`,
  cidr: '10.0.0.0/16',
  'node-ip': '10.0.0.1',
  // If Leases are not renewed, nodes become NotReady after 40 s, and so do their Pods.
  'node-lease-duration-seconds': 40,
  config,
})
