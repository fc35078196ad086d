import type { Resources } from '../crds/common.ts'
import type { Config } from '../crds/config.ts'
import { fill } from '../crds/fill.ts'
import type { Kind, Parent } from '../crds/kind.ts'
import { validatorOf, visible } from '../crds/objectvalidator.ts'
import { checkRules } from '../crds/rules.ts'
import { sentence } from '../crds/schema/validator.ts'
import type { Artifacts, Condition, Reason } from '../crds/status.ts'
import { faultIn, kept, lastApplied } from './applied.ts'
import { deviceClaims } from './children/deviceclaim.ts'
import { type ChildKind, childKinds, type Made } from './children/kinds.ts'
import { condition, no, type Verdict, yes } from './conditions.ts'
import { keptJob } from './jobs.ts'
import { namespaceOf } from './names.ts'
import { type Observed, observedIn } from './observed.ts'
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
import { type Beside, isServing, keptServing } from './serving.ts'
import type { Stage } from './stage.ts'
import { type Walk, walk } from './stages.ts'
import { statusFaults, trusted } from './trusted.ts'

/** What a kind's functions are asked with. */
export interface Sync<S, T> {
  readonly parent: Parent<S, T>
  readonly references: References
  readonly observed: Observed
  readonly config: Config
}

/** A kind's behaviour: its stages, and what its status says beyond the conditions. */
export interface Behaviour<S, T> {
  /** Its children; ResourceClaimTemplate, which every kind has, is added to their kinds. */
  readonly children: readonly Made[]
  readonly stages: (sync: Sync<S, T>) => readonly Stage[]
  /** Children beside those of the stages: claims. */
  readonly claims: (sync: Sync<S, T>) => readonly Child[]
  /** The children that belong to the serving workload, for kinds that have one. */
  readonly beside?: (parent: Parent<S, T>) => Beside
  /** Fields of the status; `done` when every stage is. */
  readonly status: (sync: Sync<S, T>, records: Records, done: boolean) => Partial<T>
  /** What Ready says when every stage is done. */
  readonly done: (sync: Sync<S, T>, records: Records) => Verdict
}

export interface Hook {
  readonly kind: Kind
  /** Its children by name, for docs/api.md. */
  readonly makes: readonly Made[]
  /** The kinds of objects that `sync` may return: exactly those that the controller lists. */
  readonly children: readonly ChildKind[]
  readonly customize: (request: CustomizeRequest) => CustomizeResponse
  /** A bug of ours becomes a condition; `report` gets the error for the log. */
  readonly sync: (
    request: SyncRequest,
    config: Config,
    report?: (error: unknown) => void,
  ) => SyncResponse
}

/** A kind and its behaviour as Metacontroller's two hooks; pure functions of the request. */
export function hookOf<S, T>(kind: Kind<S, T>, behaviour: Behaviour<S, T>): Hook {
  const named = behaviour.children.map((child) => child.kind)
  const children = [...new Set([...named, 'ResourceClaimTemplate' as const])].map(
    (name) => childKinds[name],
  )
  const answer = answering(kind, behaviour)
  return {
    kind,
    makes: behaviour.children,
    children,
    customize: ({ parent }) => ({ relatedResources: relatedRules(kind, parent) }),
    sync: (untrusted, config, report) => {
      const request = { ...untrusted, parent: trusted(kind, untrusted.parent) }
      try {
        const response = answer(request, config)
        const faults = faultsOf(response, kind, children, request.parent)
        if (faults.length) throw new Error(faults.join('; '))
        return response
      } catch (error) {
        report?.(error)
        const { message } = error instanceof Error ? error : { message: String(error) }
        const asBefore = retained(
          request,
          behaviour,
          no('InternalError', `this is a mistake of Substratus, which changes nothing: ${message}`),
        )
        const isOwn = ownChild(children, request.parent)
        return { ...asBefore, children: asBefore.children.filter(isOwn) }
      }
    },
  }
}

/** Whether a child may be in an answer: of a kind that the controller lists, in the parent's namespace. */
const ownChild =
  (declared: readonly ChildKind[], parent: Parent) =>
  ({ apiVersion, kind, metadata: { namespace } }: Child): boolean =>
    (namespace === undefined || namespace === namespaceOf(parent)) &&
    declared.some((one) => one.kind === kind && one.apiVersion === apiVersion)

/** What must never leave: a child of another kind or namespace, or a status that breaks its schema. */
function faultsOf(
  { children, status }: SyncResponse,
  kind: Kind,
  declared: readonly ChildKind[],
  parent: Parent,
): readonly string[] {
  const isOwn = ownChild(declared, parent)
  return [
    ...children
      .filter((child) => !isOwn(child))
      .map(
        ({ apiVersion, kind: childKind, metadata }) =>
          `${apiVersion} ${childKind} "${metadata.name}" of namespace "${metadata.namespace ?? namespaceOf(parent)}" is no child of ${kind.kind} "${parent.metadata.name}"`,
      ),
    ...statusFaults(kind, status).map(sentence),
  ]
}

/** The response for an object whose status is valid. */
function answering<S, T>(kind: Kind<S, T>, behaviour: Behaviour<S, T>) {
  const validate = validatorOf(kind)
  return (request: SyncRequest, config: Config): SyncResponse => {
    const parent = fill(kind, request.parent)
    const wrong = validate(visible(parent))
    const errors = [...wrong, ...checkRules(parent, config, wrong)]
    if (errors.length)
      return retained(request, behaviour, no('InvalidSpec', errors.map(sentence).join('; ')))

    const sync: Sync<S, T> = {
      parent: parent as Parent<S, T>,
      references: referencesOf(kind, parent, request.related, config),
      observed: observedIn(request),
      config,
    }
    const walked = walk(behaviour.stages(sync), parent, sync.observed)
    const isDone = !walked.blocked
    const claims = claimsOf(parent, behaviour.claims(sync), walked, sync.observed)
    const devices = deviceClaims(parent, devicesOf(parent, config), walked.children, sync.observed)
    const children = [...claims.listed, ...devices, ...walked.children]
    const ready =
      blockedChild(children, sync.observed) ??
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
      children,
      ...(resync > 0 && { resyncAfterSeconds: resync }),
    }
  }
}

/**
 * Ready while Metacontroller cannot change a child: other conditions would describe the child as
 * requested, not as it is.
 */
function blockedChild(children: readonly Child[], observed: Observed): Verdict | undefined {
  const blocked = children
    .map(({ kind, metadata }) => observed.child(kind, metadata.name))
    .find((child) => child && faultIn(child))
  if (!blocked) return undefined
  const { kind, metadata } = blocked
  return no(
    'ApplyBlocked',
    `${kind} "${metadata.name}" cannot be changed because its annotation ${lastApplied} ${faultIn(blocked)}: kubectl annotate ${kind.toLowerCase()} ${metadata.name} ${lastApplied}- removes it`,
  )
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
 * Every child and every record, unchanged. This is the response to a spec that admission would have
 * refused, and to a bug of ours: after a 500, Metacontroller would wait for up to 1,000 s.
 */
function retained<S, T>(
  request: SyncRequest,
  { beside = () => () => [] }: Pick<Behaviour<S, T>, 'beside'>,
  ready: Verdict,
): SyncResponse {
  const { parent } = request
  // Of related objects nothing is needed here, and a mistake may lie in reading them.
  const observed = observedIn({ ...request, related: {} })
  const before = (parent.status ?? {}) as { readonly conditions?: readonly Condition[] }
  const others = (before.conditions ?? []).filter(({ type }) => type !== 'Ready')
  return {
    status: { ...before, ready: false, conditions: [condition(parent, 'Ready', ready), ...others] },
    children: [
      ...observed.children
        .filter(({ kind }) => !isServing(kind))
        .map((child) => (child.kind === 'Job' ? keptJob(child, parent) : kept(child))),
      ...keptServing(parent, observed, beside(parent as Parent<S, T>)),
    ],
  }
}
