import { claimSettings } from '../../crds/claims.ts'
import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { claimName } from '../../crds/names.ts'
import { isQuantity, larger } from '../../crds/schema/quantity.ts'
import { type ClaimClass, claim, lostIn, withLost } from '../children/claim.ts'
import { asApplied } from '../observe/applied.ts'
import type { Observed } from '../observe/observed.ts'
import type { Child } from '../observe/protocol.ts'
import { final, no, type Verdict } from '../observe/verdict.ts'
import { diskOf } from '../pod/resources.ts'
import type { Mounts } from '../pod/volumes.ts'
import { artifacts, type Driver, sealed } from './driver.ts'

/**
 * One PersistentVolumeClaim per object, which owns it: the claim is deleted with the object. Retries of
 * an attempt find their checkpoints in it.
 */
export const pvc: Driver = {
  scheme: 'pvc',
  url: (parent, path) => `pvc://${claimName(parent)}/${path}`,
  read: (name, url, mountPath) => {
    const [, claimName = '', path = ''] = /^pvc:\/\/([^/]+)\/?(.*?)\/*$/.exec(url) ?? []
    return {
      volumes: [{ name, persistentVolumeClaim: { claimName, readOnly: true } }],
      volumeMounts: [{ name, mountPath, readOnly: true, ...(path && { subPath: path }) }],
      before: [],
    }
  },
  write: (parent, path) => ({
    work: claimMount(claimName(parent), artifacts, path),
    seal: { ...sealed(path), volumes: claimMount(claimName(parent), artifacts).volumes },
  }),
  written: () => 'inPlace',
  claims: (parent, observed, config, { isStored, inClaim }) => [
    {
      claim: withLost(
        claimOf(parent, observed, config),
        lostWithout(observed.child('PersistentVolumeClaim', claimName(parent)), inClaim),
      ),
      ...(isStored && { lost: lostWith(claimName(parent)) }),
    },
  ],
  note: shrinkNote,
}

/**
 * The recorded results that are not in this claim. It is created while the spec requests another result than
 * those that were lost with its predecessor. An attempt that is no longer recorded may be made again.
 */
const lostWithout = (existing: Child | undefined, recorded: readonly string[]) =>
  existing ? recorded.filter((attempt) => lostIn(existing).includes(attempt)) : recorded

/** The verdict on a recorded result that was lost with the predecessor of its claim. */
export const lostBefore = (
  parent: Parent,
  observed: Observed,
  attempt: string,
): Verdict | undefined => {
  const claim = claimName(parent)
  return lostIn(observed.child('PersistentVolumeClaim', claim)).includes(attempt)
    ? final(
        no(
          'ChildMissing',
          `the result was in a PersistentVolumeClaim "${claim}" that was deleted: make it anew by another value of the annotation substratus.ai/rerun`,
        ),
      )
    : undefined
}

const lostWith = (claim: string): Verdict =>
  final(
    no(
      'ChildMissing',
      `PersistentVolumeClaim "${claim}" is gone, and the result with it: restore it, or make it anew by another value of the annotation substratus.ai/rerun`,
    ),
  )

/** A parent's own claim, at any path. */
export const claimMount = (claimName: string, mountPath: string, subPath?: string): Mounts => ({
  volumes: [{ name: 'artifacts', persistentVolumeClaim: { claimName } }],
  volumeMounts: [{ name: 'artifacts', mountPath, ...(subPath && { subPath }) }],
  before: [],
})

/** The claim of a parent's artifacts, or of its home. */
export const claimOf = (parent: Parent, observed: Observed, config: Config): Child =>
  claimNamed(claimName(parent), parent, observed, config, claimSettings(parent, config))

/**
 * A claim of a parent. It grows with spec.resources.disk and never shrinks: Kubernetes refuses to
 * shrink a claim, and a refused child would block all others. Its other fields never change.
 */
export function claimNamed(
  name: string,
  parent: Parent,
  observed: Observed,
  config: Config,
  claimClass: ClaimClass,
): Child {
  const wanted = diskOf(parent, config)
  const existing = observed.child('PersistentVolumeClaim', name)
  if (!existing) return claim(parent, name, wanted, claimClass)
  const size = existing.spec?.resources?.requests?.storage
  if (!isQuantity(size)) return asApplied(existing)
  return asApplied(existing, { resources: { requests: { storage: larger(size, wanted) } } })
}

/** What Ready adds if the spec requests less disk than the claim has. */
export function shrinkNote(parent: Parent, observed: Observed, config: Config): string {
  const size = observed.child('PersistentVolumeClaim', claimName(parent))?.spec?.resources?.requests
    ?.storage
  const wanted = diskOf(parent, config)
  return !isQuantity(size) || larger(size, wanted) === wanted
    ? ''
    : `; disk stays ${size}: a claim cannot shrink to ${wanted}`
}
