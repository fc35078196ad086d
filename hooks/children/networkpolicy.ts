import type { Parent } from '../../crds/kind.ts'
import type { Child } from '../observe/protocol.ts'
import type { ChildKind } from './childkind.ts'
import { labelsOf, selectorOf } from './metadata.ts'

export const networkPolicies: ChildKind = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  resource: 'networkpolicies',
}

/**
 * Denies all traffic from inside the cluster. Port-forwarding still works: it does not pass through the
 * Pod network, and RBAC protects it.
 */
export const denyIngress = (parent: Parent, name: string): Child => ({
  apiVersion: networkPolicies.apiVersion,
  kind: networkPolicies.kind,
  metadata: { name, labels: labelsOf(parent, 'serve') },
  spec: {
    podSelector: { matchLabels: { ...selectorOf(parent), 'substratus.ai/stage': 'serve' } },
    policyTypes: ['Ingress'],
  },
})
