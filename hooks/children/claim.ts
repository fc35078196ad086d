import type { Parent } from '../../crds/kind.ts'
import type { ChildKind } from './childkind.ts'
import type { Claim } from './manifesttypes.ts'
import { labelsOf } from './metadata.ts'

export const claims: ChildKind = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  resource: 'persistentvolumeclaims',
}

export interface ClaimClass {
  readonly className?: string
  readonly accessModes?: readonly string[]
}

export const claim = (
  parent: Parent,
  name: string,
  size: string,
  { className, accessModes = ['ReadWriteOnce'] }: ClaimClass,
): Claim => ({
  apiVersion: claims.apiVersion,
  kind: claims.kind,
  metadata: { name, labels: labelsOf(parent, 'storage') },
  spec: {
    accessModes,
    resources: { requests: { storage: size } },
    ...(className && { storageClassName: className }),
  },
})
