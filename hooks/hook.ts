import type { Resources } from '../crds/common.ts'
import type { Config } from '../crds/config.ts'
import { fill } from '../crds/fill.ts'
import type { Kind, Parent } from '../crds/kind.ts'
import { checkRules } from '../crds/rules.ts'
import type { Artifacts, Condition, Reason } from '../crds/status.ts'
import { sentence, validatorOf, visible } from '../crds/validate.ts'
import { deviceClaims } from './children/deviceclaim.ts'
import { condition, no, type Verdict, yes } from './conditions.ts'
import { keptJob } from './jobs.ts'
import { kept, type Observed, observedIn } from './observed.ts'
import { missing, type Records } from './parent.ts'
import { gpuOf } from './pod/gpu.ts'
import type {
  Child,
  CustomizeRequest,
  CustomizeResponse,
  SyncRequest,
  SyncResponse,
} from './protocol.ts'
import { basesOf, type References, referencesOf, relatedRules } from './references.ts'
import { isServing, keptServing } from './serving.ts'
import { type Stage, type Walk, walk } from './stages.ts'

/** What a kind's functions are asked with. */
export interface Sync<S, T> {
  readonly parent: Parent<S, T>
  readonly references: References
  readonly observed: Observed
  readonly config: Config
}

/** A kind's behaviour: its stages, and what its status says beyond the conditions. */
export interface Behaviour<S, T> {
  readonly stages: (sync: Sync<S, T>) => readonly Stage[]
  /** Children beside those of the stages: claims. */
  readonly claims: (sync: Sync<S, T>) => readonly Child[]
  /** Fields of the status; `done` when every stage is. */
  readonly status: (sync: Sync<S, T>, records: Records, done: boolean) => Partial<T>
  /** What Ready says when every stage is done. */
  readonly done: (sync: Sync<S, T>, records: Records) => Verdict
}

export interface Hook {
  readonly kind: Kind
  readonly customize: (request: CustomizeRequest) => CustomizeResponse
  readonly sync: (request: SyncRequest, config: Config) => SyncResponse
}

/** A kind and its behaviour as Metacontroller's two hooks; pure functions of the request. */
export function hookOf<S, T>(kind: Kind<S, T>, behaviour: Behaviour<S, T>): Hook {
  const validate = validatorOf(kind)
  return {
    kind,
    customize: ({ parent }) => ({ relatedResources: relatedRules(kind, parent) }),
    sync: (request, config) => {
      const parent = fill(kind, request.parent)
      const wrong = validate(visible(parent))
      const errors = [...wrong, ...checkRules(parent, config, wrong)]
      if (errors.length) return invalid(request, errors.map(sentence).join('; '))

      const sync: Sync<S, T> = {
        parent: parent as Parent<S, T>,
        references: referencesOf(kind, parent, request.related),
        observed: observedIn(request),
        config,
      }
      const walked = walk(behaviour.stages(sync), parent, sync.observed)
      const isDone = !walked.blocked
      const claims = claimsOf(parent, behaviour.claims(sync), walked, sync.observed)
      const devices = deviceClaims(
        parent,
        devicesOf(parent, config),
        walked.children,
        sync.observed,
      )
      const ready =
        lostClaim(parent, claims, devices, sync.observed) ??
        readyOf(walked, () => behaviour.done(sync, walked.records))
      const bases = basesOf(kind, parent, request.related)
      const resync = patience(ready, walked, readyBefore(parent))
      return {
        status: {
          ...carried(parent),
          ...behaviour.status(sync, walked.records, isDone),
          ...(Object.keys(walked.records).length && { stages: walked.records }),
          ...(!isDone && behindArtifacts(parent)),
          ...(bases?.length && { bases }),
          ...(walked.finishing && { finishing: walked.finishing }),
          ready: ready.status === 'True',
          conditions: [condition(parent, 'Ready', ready), ...walked.conditions],
        },
        children: [...claims.listed, ...devices, ...walked.children],
        ...(resync > 0 && { resyncAfterSeconds: resync }),
      }
    },
  }
}

interface Claims {
  readonly listed: readonly Child[]
  /** A claim that is gone, and the recorded result with it. */
  readonly gone: string | undefined
}

/**
 * A claim that is no longer asked for stays: a changed source must not take the data away. One that
 * held a recorded result and is gone is not made anew: an empty one would be taken for the result.
 * A result that another storage driver keeps needs none.
 */
function claimsOf(
  parent: Parent,
  asked: readonly Child[],
  { done }: Walk,
  observed: Observed,
): Claims {
  const existing = observed.children.filter(({ kind }) => kind === 'PersistentVolumeClaim')
  const isIn = (list: readonly Child[], { metadata }: Child) =>
    list.some((claim) => claim.metadata.name === metadata.name)
  const isDone = ['load', 'run'].some((stage) => done.includes(stage))
  const { artifacts } = (parent.status ?? {}) as { readonly artifacts?: Artifacts }
  const isElsewhere = isDone && artifacts?.url !== undefined && !artifacts.url.startsWith('pvc://')
  const wanted = isElsewhere ? [] : asked
  const gone = isDone ? wanted.find((claim) => !isIn(existing, claim)) : undefined
  return {
    listed: [
      ...wanted.filter((claim) => claim !== gone),
      ...existing.filter((claim) => !isIn(wanted, claim)).map((claim) => kept(claim)),
    ],
    gone: gone?.metadata.name,
  }
}

/** What Ready says where storage or devices are not there, though they were asked for before. */
function lostClaim(
  parent: Parent,
  { listed, gone }: Claims,
  devices: readonly Child[],
  observed: Observed,
): Verdict | undefined {
  if (gone)
    return no(
      'ChildMissing',
      `PersistentVolumeClaim "${gone}" is gone, and the result with it: restore it, or make it anew by another value of the annotation substratus.ai/rerun`,
    )
  const { conditions } = (parent.status ?? {}) as { readonly conditions?: readonly Condition[] }
  const absent = [...listed, ...devices].find(
    ({ kind, metadata }) => !observed.child(kind, metadata.name),
  )
  return absent && conditions?.length
    ? missing(parent, 'Ready', absent.kind, absent.metadata.name)
    : undefined
}

/** The records that artifacts were made from: those of the last status in which all was done. */
function behindArtifacts(parent: Parent): { readonly lastComplete?: Records } {
  const {
    artifacts,
    stages,
    lastComplete = stages,
  } = (parent.status ?? {}) as {
    readonly artifacts?: unknown
    readonly stages?: Records
    readonly lastComplete?: Records
  }
  return artifacts && lastComplete ? { lastComplete } : {}
}

const devicesOf = ({ spec }: Parent, config: Config) =>
  gpuOf((spec as { resources?: Resources }).resources, config).devices

/** What later answers need stays in every answer: Metacontroller replaces the status whole. */
function carried(parent: Parent): Record<string, unknown> {
  const { artifacts, url, ...others } = (parent.status ?? {}) as Record<string, unknown>
  const { source } = parent.spec as { readonly source?: string }
  // A source has no image; what was there before is of another spec.
  const image = source ? undefined : others.image
  return Object.fromEntries(
    Object.entries({ artifacts, image, url }).filter(([, value]) => value !== undefined),
  )
}

function readyOf({ blocked, served, stale }: Walk, done: () => Verdict): Verdict {
  const verdict = blocked ?? served ?? done()
  if (verdict.status !== 'True' || !stale.length) return verdict
  return yes(
    'Stale',
    `made from an older state of ${stale.join(' and ')}: a new value of the annotation substratus.ai/rerun uses the new one`,
  )
}

const readyBefore = ({ status }: Parent): Condition | undefined =>
  ((status ?? {}) as { readonly conditions?: readonly Condition[] }).conditions?.find(
    ({ type }) => type === 'Ready',
  )

/** Seconds until news may have come that no event brings: Pods are no children. */
const waits: Partial<Record<Reason, number>> = {
  Finishing: 2,
  ChildMissing: 5,
  Pending: 5,
  Starting: 5,
  Building: 10,
  Loading: 10,
  Running: 10,
  Packaging: 10,
  Unschedulable: 10,
  NodeNotReady: 10,
  ImagePullFailed: 10,
  ContainerConfigError: 10,
  CrashLooping: 10,
  OOMKilled: 10,
  PodRefused: 10,
}

/**
 * A server that failed may come up again. A Job that failed stays so, but its Pod, which has the
 * exit code, may be seen later than the Job: what is said for the first time is looked at once more.
 */
function patience(
  ready: Verdict,
  { blocked, served }: Walk,
  before: Condition | undefined,
): number {
  if (ready.status === 'True') return served ? 60 : 0
  if (ready.reason === 'Failed') return !blocked || before?.message !== ready.message ? 10 : 0
  return waits[ready.reason] ?? 0
}

/**
 * A spec that admission would have refused: the same words as a condition, every child as it is,
 * every record kept.
 */
function invalid(request: SyncRequest, message: string): SyncResponse {
  const { parent } = request
  const observed = observedIn(request)
  const before = (parent.status ?? {}) as { readonly conditions?: readonly Condition[] }
  const ready = condition(parent, 'Ready', no('InvalidSpec', message))
  const others = (before.conditions ?? []).filter(({ type }) => type !== 'Ready')
  return {
    status: { ...before, ready: false, conditions: [ready, ...others] },
    children: [
      ...observed.children
        .filter(({ kind }) => !isServing(kind))
        .map((child) => (child.kind === 'Job' ? keptJob(child, parent) : kept(child))),
      ...keptServing(parent, observed),
    ],
  }
}
