import { createPatch } from 'rfc6902'
import type { Config } from '../crds/config.ts'
import { fill } from '../crds/fill.ts'
import { group, type Kind, type Parent } from '../crds/kind.ts'
import { kindOf } from '../crds/kinds.ts'
import { printable } from '../crds/text.ts'
import { sentence } from '../crds/validate.ts'
import { check, deletionWarnings } from './check.ts'
import type { Facts } from './facts.ts'

/**
 * AdmissionReview → AdmissionReview.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */

export interface AdmissionRequest {
  readonly uid: string
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly namespace?: string
  readonly dryRun?: boolean
  readonly object?: Parent | null
  readonly oldObject?: Parent | null
}

interface AdmissionResponse {
  readonly uid: string
  readonly allowed: boolean
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string }
  readonly warnings?: readonly string[]
  readonly patchType?: 'JSONPatch'
  readonly patch?: string
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

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isParent = (value: unknown): boolean =>
  value === undefined || value === null || (isObject(value) && isObject(value.metadata))

/** The request of an AdmissionReview, or the sentence that says why the body is none. */
export function admissionRequest(body: unknown): AdmissionRequest | string {
  if (!isObject(body) || body.kind !== 'AdmissionReview') return 'kind: must be "AdmissionReview"'
  if (body.apiVersion !== 'admission.k8s.io/v1') return 'apiVersion: must be "admission.k8s.io/v1"'
  const { request } = body
  if (!isObject(request) || typeof request.uid !== 'string') return 'request.uid: Required value'
  if (!['CREATE', 'UPDATE', 'DELETE', 'CONNECT'].includes(String(request.operation)))
    return 'request.operation: must be CREATE, UPDATE, DELETE or CONNECT'
  if (!isParent(request.object) || !isParent(request.oldObject))
    return 'request.object: must be an object with metadata'
  return request as unknown as AdmissionRequest
}

const kindIn = (object: Parent | null | undefined): Kind | undefined =>
  object?.apiVersion?.startsWith(`${group}/`) ? kindOf(object.kind) : undefined

/** What a person should see in `kubectl get -o yaml`, as a JSON Patch; none when nothing is missing. */
export function mutate({ uid, object }: AdmissionRequest): AdmissionReview {
  const kind = kindIn(object)
  if (!kind || !object?.spec) return answer({ uid, allowed: true })
  const filled = fill(kind, object)
  if (filled === object) return answer({ uid, allowed: true })
  const patch = createPatch(object, filled)
  return answer({
    uid,
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
  })
}

/** Refuses with every broken rule at once; `facts` are the references that were looked up. */
export function validate(request: AdmissionRequest, config: Config, facts: Facts): AdmissionReview {
  const { uid, operation, object, oldObject } = request
  const kind = kindIn(operation === 'DELETE' ? oldObject : object)
  if (!kind) return answer({ uid, allowed: true })
  if (operation === 'DELETE')
    return answer({ uid, allowed: true, ...warned(deletionWarnings(oldObject as Parent, config)) })

  const { errors, warnings } = check(kind, request, config, facts)
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
    },
  })
}

/** As the API server writes one error, and several. */
const listed = (sentences: readonly string[]): string =>
  sentences.length === 1 ? (sentences[0] ?? '') : `[${sentences.join(', ')}]`

/** kubectl prints these, and they quote what other objects say. */
const warned = (warnings: readonly string[]) =>
  warnings.length ? { warnings: warnings.map(printable) } : {}
