import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { isReserved } from '../../crds/labels.ts'
import { alike } from '../../crds/names.ts'
import { kept } from '../observe/applied.ts'
import { isSuspended, type Records } from '../observe/memory.ts'
import { containersIn, type Observed } from '../observe/observed.ts'
import type { Child } from '../observe/protocol.ts'
import type { Reference } from '../observe/references.ts'
import type { Verdict } from '../observe/verdict.ts'

/** Rendered again for each response, so their annotations are never read. */
export type Beside = (workload: Child | undefined) => readonly Child[]

/** The stage of children that stay, and what becomes of them while something is awaited. */
export interface Serves {
  readonly does: 'serve'
  readonly needs: readonly Reference[]
  /** Why it cannot be served as it is asked for, if so. */
  readonly refuse: Verdict | undefined
  /** The Deployment or StatefulSet that is there, whether it is as asked for or not. */
  readonly workload: Child | undefined
  /** How many Pods are wanted of it as it is, also while something is awaited; undefined: as many as before. */
  readonly replicas: number | undefined
  /** Annotations that the workload is to have, whether it is kept as it is or made as asked for. */
  readonly notes?: Readonly<Record<string, string>> | undefined
  /** The Deployment or StatefulSet as it is asked for. */
  readonly wanted: (records: Records) => Child
  /** The Service and the NetworkPolicy of the workload in this response. They wait for nothing. */
  readonly beside: Beside
  /** `emitted` is the workload of this very answer, where there is one. */
  readonly verdict: (emitted: Child | undefined) => Verdict
}

/**
 * Another version of this software has other images of its own tools, the idle watch and the loader.
 * They alone replace no Pod that answers requests: they come with the next change of anything else.
 * The same holds for labels that an earlier version passed on and this one does not.
 */
export function withToolsAsApplied(
  wanted: Child,
  workload: Child | undefined,
  { images }: Config,
): Child {
  const isTool = ({ image }: Child) => [images.idle, images.loader].includes(image)
  const { template } = wanted.spec ?? {}
  const tools = containersIn(template).filter(isTool)
  // Read what is there first: what was applied is a JSON text, a third of such an answer to parse.
  const there = containersIn(workload?.spec?.template)
  const isNew = ({ name, image }: Child) =>
    there.find((container) => container.name === name)?.image !== image
  const before = workload?.spec?.template?.metadata?.labels
  const reserved = reservedIn(before, template.metadata.labels)
  if (!workload || (!tools.some(isNew) && !reserved)) return wanted

  const applied = kept(workload).spec?.template
  const asApplied = (list: readonly Child[], before: readonly Child[] = []) =>
    list.map((container) => {
      const same = before.find(({ name }) => name === container.name)
      return isTool(container) && same ? { ...container, image: same.image } : container
    })
  const settled = {
    ...template,
    ...(reserved && {
      metadata: { ...template.metadata, labels: { ...reserved, ...template.metadata.labels } },
    }),
    spec: {
      ...template.spec,
      ...(template.spec.initContainers && {
        initContainers: asApplied(template.spec.initContainers, applied?.spec?.initContainers),
      }),
      containers: asApplied(template.spec.containers, applied?.spec?.containers),
    },
  }
  return applied && alike(settled, applied)
    ? { ...wanted, spec: { ...wanted.spec, template: applied } }
    : wanted
}

/** Labels that an earlier version passed on to the Pods and this one does not; undefined if none. */
function reservedIn(
  before: Readonly<Record<string, string>> = {},
  now: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> | undefined {
  const entries = Object.entries(before).filter(
    ([label]) => !Object.hasOwn(now, label) && isReserved(label),
  )
  return entries.length ? Object.fromEntries(entries) : undefined
}

/** Why a server cannot be as it is asked for. */
export function hindranceOf(stage: Serves): Verdict | undefined {
  const waiting = stage.needs.find(({ state }) => state === 'waiting')
  return waiting?.state === 'waiting' ? waiting.verdict : stage.refuse
}

const isWorkload = ({ kind }: Child): boolean => ['Deployment', 'StatefulSet'].includes(kind)

/** A workload that has the notes of its stage beside its own annotations. */
function noted(workload: Child, notes: Serves['notes']): Child {
  if (!notes) return workload
  const { metadata } = workload
  return {
    ...workload,
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...notes } },
  }
}

/** The workload as it is asked for, with its notes. */
export const wantedOf = (stage: Serves, records: Records): Child =>
  noted(stage.wanted(records), stage.notes)

export const saidOf = (stage: Serves, emitted: readonly Child[]): Verdict =>
  stage.verdict(emitted.find(isWorkload))

export const isStopped = ({ reason }: Verdict): boolean =>
  reason === 'Suspended' || reason === 'Idle'

/** What served before the hindrance serves on, and Serving says so; Ready says what hinders. */
export function asBefore(stage: Serves, emitted: readonly Child[]): Verdict | undefined {
  const now = stage.workload && saidOf(stage, emitted)
  return now && (now.status === 'True' || isStopped(now)) ? now : undefined
}

/** Whether a child is part of what answers requests; the others are work, storage and claims. */
export const isServing = (kind: string): boolean =>
  !['Job', 'PersistentVolumeClaim', 'ResourceClaimTemplate'].includes(kind)

/**
 * While a stage is blocked, the running workload is left alone, so that requests keep succeeding.
 * Only its replicas and annotations change. Its Service and NetworkPolicy are rendered again, even if
 * somebody deleted them: a notebook without its NetworkPolicy would be open to the whole cluster.
 */
export function keptServing(
  parent: Parent,
  observed: Observed,
  beside: Beside,
  stage?: Serves,
): readonly Child[] {
  const replicas = isSuspended(parent) ? 0 : stage?.replicas
  const serving = observed.children.filter(({ kind }) => isServing(kind))
  const workloads = serving
    .filter(isWorkload)
    .map((child) => noted(kept(child, replicas === undefined ? {} : { replicas }), stage?.notes))
  const rendered = beside(workloads[0]).filter(
    ({ kind, metadata }) => workloads.length > 0 || observed.child(kind, metadata.name),
  )
  const isRendered = ({ kind, metadata }: Child) =>
    rendered.some((child) => child.kind === kind && child.metadata.name === metadata.name)
  const others = serving.filter((child) => !isWorkload(child) && !isRendered(child))
  return [...workloads, ...rendered, ...others.map((child) => kept(child))]
}
