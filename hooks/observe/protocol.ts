import type { NodeFacts } from '../../crds/imagevolumes.ts'
import type { Parent } from '../../crds/kind.ts'
import { isObject } from '../../crds/schema/json.ts'
import type { Reporting } from '../progress/address.ts'
import type { ReportsByJob } from '../progress/progress.ts'

/**
 * Metacontroller's CompositeController hooks, version v2.
 * https://metacontroller.github.io/metacontroller/api/compositecontroller.html
 */

/** A Kubernetes object in JSON; children/manifesttypes.ts has more precise types, by kind. */
export interface Child {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly generation?: number
    readonly creationTimestamp?: string
    readonly deletionTimestamp?: string
    readonly deletionGracePeriodSeconds?: number
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: object
  readonly status?: object
}

/** `{"Job.batch/v1": {"default/name": {…}}}`; a group that is watched and empty is `{}`. */
export type Group = Readonly<Record<string, Readonly<Record<string, Child>>>>

export interface CustomizeRequest {
  readonly parent: Parent
}

export interface RelatedRule {
  readonly apiVersion: string
  readonly resource: string
  readonly namespace: string
  readonly names: readonly string[]
}

export interface CustomizeResponse {
  readonly relatedResources: readonly RelatedRule[]
}

export interface SyncRequest {
  readonly parent: Parent
  readonly children: Group
  readonly related: Group
  readonly finalizing?: boolean
  /** Set by the server, not part of the protocol: a Pod that is missing in `related` may exist. */
  readonly podsMayBeMissing?: boolean
  /** Also set by the server: since when its watch of Pods has been silent, if that is too long ago. */
  readonly podsSilentSince?: string | undefined
  /** Also set by the server: the time in RFC 3339, for conditions; without it they get none. */
  readonly now?: string
  /** Also set by the server: all nodes of the cluster; undefined if they are not known. */
  readonly nodes?: readonly NodeFacts[] | undefined
  /** Also set by the server: where work reports its progress; undefined if nowhere. */
  readonly reporting?: Reporting | undefined
  /** Also set by the server: the last report of each attempt, by the name of its Job. */
  readonly reports?: ReportsByJob | undefined
}

export interface SyncResponse {
  readonly status: unknown
  readonly children: readonly Child[]
  readonly resyncAfterSeconds?: number
}

const faultOfParent = (parent: unknown, kind: string): string | undefined => {
  if (!isObject(parent)) return 'parent: Required value: an object'
  if (parent.kind !== kind) return `parent.kind: Invalid value: must be "${kind}" at this address`
  if (!isObject(parent.metadata) || typeof parent.metadata.name !== 'string')
    return 'parent.metadata.name: Required value'
  return undefined
}

const isGroup = (value: unknown): boolean =>
  isObject(value) &&
  Object.values(value).every((group) => isObject(group) && Object.values(group).every(isObject))

/** The request of a customize hook, or the reason why the body is not valid. */
export function customizeRequest(body: unknown, kind: string): CustomizeRequest | string {
  if (!isObject(body)) return 'the body must be a JSON object'
  return faultOfParent(body.parent, kind) ?? { parent: body.parent as Parent }
}

/** The same for a sync hook. children and related are optional, for people who use curl. */
export function syncRequest(body: unknown, kind: string): SyncRequest | string {
  if (!isObject(body)) return 'the body must be a JSON object'
  const fault = faultOfParent(body.parent, kind)
  if (fault) return fault
  for (const field of ['children', 'related'])
    if (body[field] !== undefined && !isGroup(body[field]))
      return `${field}: Invalid value: must be {"KIND.GROUP/VERSION": {"NAMESPACE/NAME": {…}}}`
  return {
    parent: body.parent as Parent,
    children: (body.children ?? {}) as Group,
    related: (body.related ?? {}) as Group,
    finalizing: body.finalizing === true,
  }
}
