import { annotations, type Parent } from '../../crds/kind.ts'
import type { Child } from '../observe/protocol.ts'
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

/**
 * The attempts whose results were in a claim of this name that was deleted: this one was created after
 * them. A claim that somebody restores has another uid than before, too, but has their results.
 */
export const lostIn = (claim: Child | undefined): readonly string[] =>
  claim?.metadata.annotations?.[annotations.lost]?.split(',') ?? []

/** A claim with that annotation. Without attempts it is emptied, never removed, as in engine/idleness.ts. */
export function withLost<C extends Child>(claim: C, attempts: readonly string[]): C {
  const { metadata } = claim
  if (!attempts.length && metadata.annotations?.[annotations.lost] === undefined) return claim
  const lost = { [annotations.lost]: attempts.join(',') }
  return {
    ...claim,
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...lost } },
  }
}
