import { Resolver } from 'node:dns/promises'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ControlPlane } from '../controlplane/controlplane.ts'
import { issue, writeKubeconfig } from '../controlplane/pki.ts'
import { launch, waitUntil } from '../processes.ts'
import { clusterDomain, dnsPort, nodeAddress } from './addresses.ts'
import { folderOf } from './clean.ts'

/** The DNS of the cluster: CoreDNS as a process on the node's address, with its own ServiceAccount. */

const account = 'coredns'

/** The rights that its kubernetes plugin needs. */
const rights = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: account },
    rules: [
      { apiGroups: [''], resources: ['namespaces', 'services'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: account },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: account },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: account }],
  },
]

export async function startDns(
  plane: ControlPlane,
  file: string,
  signal?: AbortSignal,
): Promise<void> {
  const { dir, server, pki, kubectl } = plane
  await kubectl.apply(rights)
  const client = await issue(join(dir, 'pki'), account, { commonName: account })
  const path = join(dir, `${account}.kubeconfig`)
  const kubeconfig = await writeKubeconfig(path, server, pki.ca.cert, account, client)
  const settings = join(folderOf(dir), 'Corefile')
  writeFileSync(settings, corefile(kubeconfig, hasUpstream()))
  const record = launch({ dir, name: account, file, args: ['-conf', settings], signal })
  await waitUntil(dir, record, answers, { signal, seconds: 30 })
}

/** Other names are forwarded to the machine's own resolvers, if it has any. */
const corefile = (kubeconfig: string, forwards: boolean): string => `.:${dnsPort} {
  bind ${nodeAddress}
  errors
  kubernetes ${clusterDomain} in-addr.arpa ip6.arpa {
    kubeconfig ${kubeconfig}
    fallthrough in-addr.arpa ip6.arpa
  }
${forwards ? `  forward . ${resolvers}\n` : ''}}
`

const resolvers = '/etc/resolv.conf'

function hasUpstream(): boolean {
  try {
    return /^\s*nameserver\s/m.test(readFileSync(resolvers, 'utf8'))
  } catch {
    return false
  }
}

/** Until it has listed the Services, it answers without an address. */
function answers(): Promise<boolean> {
  const resolver = new Resolver({ timeout: 1000, tries: 1 })
  resolver.setServers([nodeAddress])
  return resolver.resolve4(`kubernetes.default.svc.${clusterDomain}`).then(
    () => true,
    () => false,
  )
}
