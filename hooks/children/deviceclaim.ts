import type { Parent } from '../../crds/kind.ts'
import { fitted, hash, kindWord } from '../../crds/names.ts'
import { labelsOf } from '../engine/identity.ts'
import { kept } from '../observe/applied.ts'
import type { Observed } from '../observe/observed.ts'
import type { Child } from '../observe/protocol.ts'

/** GPUs that are allocated dynamically: so many of a class. */
export interface Devices {
  readonly deviceClassName: string
  readonly count: number
}

/** The spec of a template can never be changed: another one gets another name. */
export const deviceClaimName = (parent: Parent, devices: Devices): string =>
  fitted(parent.metadata.name, `-${kindWord(parent)}-gpu-${hash(devices).slice(0, 8)}`)

/**
 * Kubernetes makes a claim of its own from it for each Pod, and takes it away with the Pod.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
 */
const deviceClaim = (parent: Parent, devices: Devices): Child => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaimTemplate',
  metadata: { name: deviceClaimName(parent, devices), labels: labelsOf(parent, 'gpu') },
  spec: { spec: { devices: { requests: [{ name: 'gpu', exactly: devices }] } } },
})

/**
 * The templates that the Pods of these children name. What runs with an older template keeps it, or
 * its next Pod would wait for ever.
 */
export function deviceClaims(
  parent: Parent,
  devices: Devices | undefined,
  children: readonly Child[],
  observed: Observed,
): readonly Child[] {
  const wanted = devices && deviceClaim(parent, devices)
  const named = new Set<string>(children.flatMap(templatesIn))
  return [...named].flatMap((name) => {
    if (name === wanted?.metadata.name) return [wanted]
    const existing = observed.child('ResourceClaimTemplate', name)
    return existing ? [kept(existing)] : []
  })
}

const templatesIn = (child: Child): readonly string[] =>
  (child.spec?.template?.spec?.resourceClaims ?? []).map(
    ({ resourceClaimTemplateName }: { resourceClaimTemplateName: string }) =>
      resourceClaimTemplateName,
  )
