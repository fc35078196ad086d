import { claimSettings } from '../../crds/claims.ts'
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

export function claim(parent: Parent, name: string, size: string, config: Config): Claim {
  const { className, accessModes } = claimSettings(parent, config)
  return {
    apiVersion: claims.apiVersion,
    kind: claims.kind,
    metadata: { name, labels: labelsOf(parent, 'storage') },
    spec: {
      accessModes,
      resources: { requests: { storage: size } },
      ...(className && { storageClassName: className }),
    },
  }
}
