import { group } from './kind.ts'

/**
 * Labels that Kubernetes, Metacontroller or this project set and select by. On a child they would be
 * taken for theirs: a Job with another's `controller-uid` is never created, a Service with
 * `service.kubernetes.io/service-proxy-name` is served by no kube-proxy, a Pod with
 * `pod-template-hash` can be adopted by a ReplicaSet that never made it.
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

/** Kubernetes reserves both of its own, with all below them: `batch.kubernetes.io/job-name`. */
const domains = ['kubernetes.io', 'k8s.io', group]

/** Kubernetes recommends the first and reads it nowhere; add-ons below the second read what users set. */
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
