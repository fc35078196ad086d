import type { Parent } from '../../crds/kind.ts'
import { fitted, hash, kindWord } from '../../crds/names.ts'
import type { Child } from '../observe/protocol.ts'
import type { ChildKind } from './childkind.ts'
import { labelsOf } from './metadata.ts'

export const deviceClaims: ChildKind = {
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaimTemplate',
  resource: 'resourceclaimtemplates',
  optional: true,
}

/** GPUs that are allocated dynamically: a number of devices of one class. */
export interface Devices {
  readonly deviceClassName: string
  readonly count: number
}

/** The spec of a template is immutable, so another spec gets another name. */
export const deviceClaimName = (parent: Parent, devices: Devices): string =>
  fitted(parent.metadata.name, `-${kindWord(parent)}-gpu-${hash(devices).slice(0, 8)}`)

/**
 * For each Pod, Kubernetes creates a claim from the template, and deletes it with the Pod.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
 */
export const deviceClaim = (parent: Parent, devices: Devices): Child => ({
  apiVersion: deviceClaims.apiVersion,
  kind: deviceClaims.kind,
  metadata: { name: deviceClaimName(parent, devices), labels: labelsOf(parent, 'gpu') },
  spec: { spec: { devices: { requests: [{ name: 'gpu', exactly: devices }] } } },
})
