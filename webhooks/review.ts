import { createPatch } from 'rfc6902'
import type { Config } from '../crds/config.ts'
import { fill } from '../crds/fill.ts'
import type { NodeFacts } from '../crds/imagevolumes.ts'
import { group, type Kind, type Parent } from '../crds/kind.ts'
import { kindOf } from '../crds/kinds.ts'
import { isObject } from '../crds/schema/json.ts'
import { type FieldError, sentence } from '../crds/schema/validator.ts'
import { printable } from '../crds/text.ts'
import { check, deletionWarnings } from './check.ts'
import type { Facts } from './facts.ts'
import { onlyWarns } from './rules/references.ts'
import { noUsers, type Users } from './users.ts'
import { passedOn } from './warnings.ts'

/**
 * AdmissionReview → AdmissionReview.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */

export interface AdmissionRequest {
  readonly uid: string
  readonly operation: (typeof operations)[number]
  readonly namespace?: string | undefined
  readonly dryRun?: boolean
  /** The user who sent the request. The API server has authenticated it, so a client cannot choose it. */
  readonly username?: string | undefined
  readonly object?: Parent | null | undefined
  readonly oldObject?: Parent | null | undefined
}

const operations = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const

interface AdmissionResponse {
  readonly uid: string
  readonly allowed: boolean
  readonly status?: {
    readonly code: number
    readonly reason: string
    readonly message: string
    readonly details: Details | { readonly retryAfterSeconds: number }
  }
  readonly warnings?: readonly string[]
  readonly patchType?: 'JSONPatch'
  readonly patch?: string
}

/** What is wrong with each field. `kubectl edit` shows only this, and others list it line by line. */
interface Details {
  readonly group: string
  readonly kind: string
  readonly name: string
  readonly causes: readonly {
    readonly reason: 'FieldValueInvalid'
    readonly field: string
    readonly message: string
  }[]
}

export interface AdmissionReview {
  readonly apiVersion: 'admission.k8s.io/v1'
  readonly kind: 'AdmissionReview'
  readonly response: AdmissionResponse
}

const answer = (response: AdmissionResponse): AdmissionReview => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  response,
})

const isAbsent = (value: unknown): boolean => value === undefined || value === null

/** An optional text; no name in Kubernetes is longer than 253. */
const isText = (value: unknown, longest = 253): value is string | null | undefined =>
  isAbsent(value) || (typeof value === 'string' && value.length <= longest)

/** Whether a value is absent, or an object with the fields that all code here relies on. */
const isParent = (value: unknown): value is Parent | null | undefined =>
  isAbsent(value) ||
  (isObject(value) &&
    isText(value.apiVersion) &&
    isText(value.kind) &&
    isObject(value.metadata) &&
    isText(value.metadata.name) &&
    isText(value.metadata.namespace) &&
    isMap(value.metadata.labels) &&
    isMap(value.metadata.annotations))

/** Our schemas do not cover labels and annotations: a string would pass for a map of its characters. */
const isMap = (value: unknown): boolean => isAbsent(value) || isObject(value)

const isNamespace = (value: unknown): value is string | null | undefined =>
  isAbsent(value) || (isText(value, 63) && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(String(value)))

/** The API server sets the namespace of the request in the object too. */
const isIn = (namespace: string | null | undefined, object: Parent | null | undefined): boolean => {
  const own = object?.metadata.namespace
  return isAbsent(namespace) || isAbsent(own) || own === '' || own === namespace
}

/** The request of an AdmissionReview, or the reason why the body is not one. */
export function admissionRequest(body: unknown): AdmissionRequest | string {
  if (!isObject(body) || body.kind !== 'AdmissionReview') return 'kind: must be "AdmissionReview"'
  if (body.apiVersion !== 'admission.k8s.io/v1') return 'apiVersion: must be "admission.k8s.io/v1"'
  const { request } = body
  if (!isObject(request) || typeof request.uid !== 'string') return 'request.uid: Required value'
  const { uid, namespace } = request
  if (!isText(uid)) return 'request.uid: Too long: may not be more than 253 characters'
  const operation = operations.find((one) => one === String(request.operation))
  if (!operation) return 'request.operation: must be CREATE, UPDATE, DELETE or CONNECT'
  // Our rules are about whole objects; a Scale or the options of a connection need not have metadata.
  const isWhole = operation !== 'CONNECT' && !request.subResource
  const { object, oldObject } = isWhole ? request : { object: undefined, oldObject: undefined }
  if (!isParent(object) || !isParent(oldObject))
    return 'request.object: must be an object with metadata'
  if (isWhole && operation !== 'DELETE' && !object) return 'request.object: Required value'
  if (!isNamespace(namespace)) return 'request.namespace: must be the name of a namespace'
  // References are looked up in the request's namespace, and messages refer to the object's.
  if (!isIn(namespace, object) || !isIn(namespace, oldObject))
    return 'request.namespace: must be the namespace of the object'
  const dryRun = request.dryRun === true
  const username = usernameIn(request.userInfo)
  return { uid, operation, namespace: namespace ?? undefined, dryRun, username, object, oldObject }
}

const usernameIn = (userInfo: unknown): string | undefined =>
  isObject(userInfo) && typeof userInfo.username === 'string' ? userInfo.username : undefined

const kindIn = (object: Parent | null | undefined): Kind | undefined =>
  object?.apiVersion?.startsWith(`${group}/`) ? kindOf(object.kind) : undefined

/** Adds the defaults that a person should see in `kubectl get -o yaml`, as a JSON Patch. */
export function mutate({ uid, object }: AdmissionRequest): AdmissionReview {
  const kind = kindIn(object)
  if (!kind || !object?.spec) return answer({ uid, allowed: true })
  // Only spec gets defaults; the rest of the object may be large.
  const given = { spec: object.spec }
  const filled = fill(kind, given)
  if (filled === given) return answer({ uid, allowed: true })
  const patch = createPatch(given, filled)
  return answer({
    uid,
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
  })
}

/** What the server knows of the cluster besides the objects that a request refers to. */
export interface Surroundings {
  /** The objects that refer to one that is deleted. */
  readonly users?: Users
  /** All nodes. */
  readonly nodes?: readonly NodeFacts[] | undefined
}

/** Reports all broken rules at once; `facts` were looked up. */
export function validate(
  request: AdmissionRequest,
  config: Config,
  facts: Facts,
  { users = noUsers, nodes }: Surroundings = {},
): AdmissionReview {
  const { uid, operation, object, oldObject } = request
  const kind = kindIn(operation === 'DELETE' ? oldObject : object)
  if (!kind) return answer({ uid, allowed: true })
  if (operation === 'DELETE')
    return answer({
      uid,
      allowed: true,
      ...warned(deletionWarnings(oldObject as Parent, config, users)),
    })

  const { errors, warnings } = check(kind, request, config, facts, nodes)
  if (!errors.length) return answer({ uid, allowed: true, ...warned(warnings) })
  const name = (object as Parent).metadata.name ?? ''
  return answer({
    uid,
    allowed: false,
    ...warned(warnings),
    status: {
      code: 422,
      reason: 'Invalid',
      message: printable(
        `${kind.kind}.${group} "${name}" is invalid: ${listed(errors.map(sentence))}`,
      ),
      details: { group, kind: kind.kind, name, causes: errors.map(causeOf) },
    },
  })
}

/**
 * The response if references cannot be looked up now: with this status, kubectl retries by itself. If
 * a missing reference would cause only a warning, the review is answered without the look-up.
 */
export function busy(
  request: AdmissionRequest,
  config: Config,
  surroundings: Surroundings = {},
): AdmissionReview {
  if (onlyWarns({ ...request, config })) return validate(request, config, {}, surroundings)
  return answer({
    uid: request.uid,
    allowed: false,
    status: {
      code: 429,
      reason: 'TooManyRequests',
      message: 'too many references are being looked up at once: apply again in a few seconds',
      details: { retryAfterSeconds: 1 },
    },
  })
}

/** kubectl prints a cause only with a field, which `and 23 more` does not have. */
const causeOf = ({ field, message }: FieldError) => ({
  reason: 'FieldValueInvalid' as const,
  field: field || 'spec',
  message: printable(message),
})

/** One error or several, in the API server's format. */
const listed = (sentences: readonly string[]): string =>
  sentences.length === 1 ? (sentences[0] ?? '') : `[${sentences.join(', ')}]`

const warned = (warnings: readonly string[]) =>
  warnings.length ? { warnings: passedOn(warnings) } : {}
