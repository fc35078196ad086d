import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { ChildKind } from './childkind.ts'
import type { Claim } from './manifesttypes.ts'
import { labelsOf } from './metadata.ts'

export const claims: ChildKind = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  resource: 'persistentvolumeclaims',
}

export const claim = (parent: Parent, name: string, size: string, config: Config): Claim => ({
  apiVersion: claims.apiVersion,
  kind: claims.kind,
  metadata: { name, labels: labelsOf(parent, 'storage') },
  spec: {
    accessModes: config.storage.pvc.accessModes ?? ['ReadWriteOnce'],
    resources: { requests: { storage: size } },
    ...(config.storage.pvc.className && { storageClassName: config.storage.pvc.className }),
  },
})
