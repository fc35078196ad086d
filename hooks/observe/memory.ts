import equal from 'fast-deep-equal'
import { annotations, type Parent } from '../../crds/kind.ts'
import type { ProgressStatus } from '../../crds/progress.ts'
import { isObject } from '../../crds/schema/json.ts'
import {
  type Artifacts,
  type Condition,
  type Disruptions,
  type Former,
  type Idle,
  identity,
  idle as idleSchema,
  type ServedAdapter,
  type ServedModel,
  type StageRecord,
} from '../../crds/status.ts'
import { apart, deploymentAnnotations, jobAnnotations, longestValue } from '../children/metadata.ts'
import type { Child } from './protocol.ts'
import { prune } from './prune.ts'

/**
 * What earlier answers recorded in the status of the parent and in the annotations of children. No
 * other file reads it from there.
 */

export type Records = Readonly<Record<string, StageRecord>>

export interface Memory {
  /** The finished stages. None of them runs again while its record has the inputs of the current spec. */
  readonly records: Records
  /** The records that the artifacts were made from. */
  readonly complete: Records | undefined
  /** The last complete result, for objects that refer to this one. */
  readonly artifacts: Artifacts | undefined
  /** Earlier results that are still stored, the newest first. */
  readonly former: readonly Former[]
  readonly image: string | undefined
  readonly url: string | undefined
  /** The complete Job whose report was looked for. */
  readonly finishing: string | undefined
  /** What is known of the Pods of the Job that is under way. */
  readonly disruptions: Disruptions | undefined
  /** The children that were reported as missing, as KIND/NAME. */
  readonly awaited: readonly string[]
  /** Since when, if an answer that knew the time requested them. */
  readonly awaitedSince: string | undefined
  /** The base, its base and so on. */
  readonly bases: readonly string[]
  /** Why it was stopped for being idle, or when it was last. */
  readonly idle: Idle | undefined
  /** The adapters that all Pods had that answered. */
  readonly adapters: readonly ServedAdapter[]
  /** What its Pods served, by their revisions. */
  readonly served: readonly ServedModel[]
  /** How far the last attempt has come that reported it. */
  readonly progress: ProgressStatus | undefined
  readonly conditions: readonly Condition[]
}

/** The fields of a status as its schema types them; trusted() has removed the others. */
interface Status {
  readonly stages?: Records
  readonly lastComplete?: Records
  readonly artifacts?: Artifacts
  readonly former?: readonly Former[]
  readonly image?: string
  readonly url?: string
  readonly finishing?: string
  readonly disruptions?: Disruptions
  readonly awaited?: readonly string[]
  readonly awaitedSince?: string
  readonly bases?: readonly string[]
  readonly idle?: Idle
  readonly adapters?: readonly ServedAdapter[]
  readonly served?: readonly ServedModel[]
  readonly progress?: ProgressStatus
  readonly conditions?: readonly Condition[]
}

export function memoryOf({ status }: Pick<Parent, 'status'>): Memory {
  const { stages, lastComplete, conditions = [], awaited, ...others } = (status ?? {}) as Status
  const { artifacts, former = [], image, url, finishing, disruptions, bases = [], idle } = others
  const { awaitedSince, adapters = [], served = [], progress } = others
  return {
    records: stages ?? {},
    complete: lastComplete ?? stages,
    artifacts,
    former,
    image,
    url,
    finishing,
    disruptions,
    awaited: awaited ?? awaitedInWords(conditions),
    awaitedSince,
    bases,
    idle,
    adapters,
    served,
    progress,
    conditions,
  }
}

/** Until a request contains these, Jobs and claims are retained that are not needed once it does. */
const results = ['stages', 'lastComplete', 'artifacts', 'former'] as const

/** Whether an answer's status has a result that this parent has not stored yet. */
export const isNews = (status: Status, { status: stored }: Pick<Parent, 'status'>): boolean =>
  results.some((field) => !equal(status[field], (stored as Status | undefined)?.[field]))

/** 0.1.0 had no status.awaited, only the message. Remove this after 0.2.0. */
const awaitedInWords = (conditions: readonly Condition[]): readonly string[] =>
  conditions.flatMap(({ message }) => {
    const [, kind, name] =
      /^(?:creating )?([A-Z][A-Za-z]*) "([^"]+)"(?:$| is wanted and does not exist)/.exec(
        message,
      ) ?? []
    return kind ? [`${kind}/${name}`] : []
  })

/** What a Job was created for, from its annotations. */
export interface Identity {
  readonly inputs?: string
  readonly attempt?: string
  readonly rerun?: string
}

/** Computed once per observed Job, although an answer asks several times, with a hash or two each. */
const identities = new WeakMap<Child, Identity>()

export function identityOf(job: Child): Identity {
  const identity = identities.get(job) ?? identityIn(job)
  identities.set(job, identity)
  return identity
}

/**
 * Anyone who may edit the Job can change its annotations, but not its name. The annotations are used
 * only if they are hashes and the name ends in the attempt's hash.
 */
function identityIn({ metadata }: Child): Identity {
  const of = (annotation: string) => metadata.annotations?.[annotation]
  const inputs = of(jobAnnotations.inputs)
  const attempt = of(jobAnnotations.attempt)
  const rerun = of(jobAnnotations.rerun)
  if (!isHash(inputs) || !isHash(attempt)) return {}
  const { name } = metadata
  if (!isNamedAfter(name, attempt) && !isNamedAfter(name, apart(attempt))) return {}
  return { inputs, attempt, ...(rerun && rerun.length <= longestValue && { rerun }) }
}

/** Whether a Job was created for these inputs. Most old Jobs state others, so their names need no check. */
export const isMadeFor = (job: Child, inputs: string, rerun: string | undefined): boolean =>
  job.metadata.annotations?.[jobAnnotations.inputs] === inputs &&
  answers(identityOf(job), inputs, rerun)

const isNamedAfter = (name: string, hash: string): boolean => name.endsWith(`-${hash.slice(0, 8)}`)

/** Whether the result of a Job is sealed by a Job of its own; its name proves it. */
export const isSealedApart = ({ metadata }: Child, { attempt = '' }: Identity): boolean =>
  isNamedAfter(metadata.name, apart(attempt))

const isHash = (value: string | undefined): value is string => /^[0-9a-f]{16}$/.test(value ?? '')

/** What the template of a Deployment was made for, and the generation that it came with. */
export interface TemplateIdentity {
  readonly inputs?: string
  readonly rollout?: string
  readonly generation?: number
}

/**
 * The same, from its annotations. Anyone who may edit the Deployment can change them: they decide only
 * whether its own applied template is retained, and how its status is read.
 */
export function templateIdentityOf({ metadata }: Child): TemplateIdentity {
  const of = (annotation: string) => metadata.annotations?.[annotation]
  const inputs = of(deploymentAnnotations.inputs)
  const rollout = of(deploymentAnnotations.rollout)
  const generation = of(deploymentAnnotations.generation)
  return {
    ...(isHash(inputs) && { inputs }),
    ...(rollout && rollout.length <= 63 && { rollout }),
    ...(generation &&
      /^\d{1,15}$/.test(generation) && {
        generation: Math.min(Number(generation), metadata.generation ?? 0),
      }),
  }
}

/** Whether a record or a Job has the result of these inputs, and of this rerun if one is in force. */
export const answers = (
  found: Pick<Identity, 'inputs' | 'rerun'>,
  inputs: string,
  rerun: string | undefined,
): boolean => found.inputs === inputs && (rerun === undefined || found.rerun === rerun)

/** The upstream results that a Job uses: the identity of each, by the field of the spec. */
export function upstreamOf(job: Child): Readonly<Record<string, string>> {
  const ids = jsonIn(job, jobAnnotations.upstream) ?? {}
  return Object.fromEntries(
    Object.entries(ids).filter((entry): entry is [string, string] => isIdentity(entry[1])),
  )
}

const isIdentity = (value: unknown): value is string => prune(identity, value) !== undefined

/**
 * The annotation of a workload that is scaled to zero because it is idle, or was woken.
 * engine/idleness.ts explains why the status is not enough. Of one that was woken, how long that took is
 * left out, so that it is written once.
 */
export const idleAnnotation = (
  { wakingSeconds, ...idle }: Idle,
  generation: number | undefined,
): string =>
  JSON.stringify({
    ...idle,
    ...(idle.woken === undefined && wakingSeconds !== undefined && { wakingSeconds }),
    generation,
  })

/**
 * The value of that annotation if the spec has not changed since: a suspend in between makes it void.
 * Anyone who may edit the workload can change the annotation, so only what the schema of the status
 * allows is used.
 */
export function annotatedIdle(
  workload: Child | undefined,
  generation: number | undefined,
): (Idle & { readonly container: string }) | undefined {
  const found = workload && jsonIn(workload, annotations.idle)
  const { container, ...others } = (prune(idleSchema, found) ?? {}) as Idle
  if (!container || found?.generation !== generation) return undefined
  return { container, ...others }
}

/** The JSON object in an annotation; undefined if there is none, or it is not readable. */
function jsonIn(
  { metadata }: Child,
  annotation: string,
): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(metadata.annotations?.[annotation] ?? 'null')
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
