import { group } from './kind.ts'

/**
 * Labels that Kubernetes, Metacontroller or this project set and select by. A user's value on a child
 * would mislead them: a Job with another object's `controller-uid` is never created, kube-proxy ignores
 * a Service with `service.kubernetes.io/service-proxy-name`, and a ReplicaSet can adopt a Pod with its
 * `pod-template-hash` that it did not create.
 * https://kubernetes.io/docs/reference/labels-annotations-taints/
 */

/** From before labels had prefixes; Metacontroller selects children by `controller-uid`. */
const names = [
  'controller-uid',
  'job-name',
  'pod-template-hash',
  'pod-template-generation',
  'controller-revision-hash',
]

/** Kubernetes reserves its two domains and their subdomains, as in `batch.kubernetes.io/job-name`. */
const domains = ['kubernetes.io', 'k8s.io', group]

/** Kubernetes recommends labels of the first but never reads them; add-ons read users' labels of the second. */
const free = ['app.kubernetes.io', 'sigs.k8s.io']

const isIn = (prefix: string, domain: string): boolean =>
  prefix === domain || prefix.endsWith(`.${domain}`)

export function isReserved(label: string): boolean {
  const slash = label.indexOf('/')
  if (slash < 0) return names.includes(label)
  const prefix = label.slice(0, slash)
  const isOf = (domain: string) => isIn(prefix, domain)
  return domains.some(isOf) && !free.some(isOf)
}

/**
 * The same for annotations, except those of the Cluster Autoscaler, whose `safe-to-evict` is meant for
 * users.
 */
export const isReservedAnnotation = (annotation: string): boolean =>
  isReserved(annotation) && !annotation.startsWith('cluster-autoscaler.kubernetes.io/')
