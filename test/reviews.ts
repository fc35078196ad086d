import { expect } from 'vitest'
import type { Json } from './objects.ts'

/** AdmissionReviews of admission.k8s.io/v1, as the API documents them. */

export const reviewOf = (request: object): Json => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request,
})

const fields = ['uid', 'allowed', 'status', 'patchType', 'patch', 'warnings']

/** Expects that a response has the documented shape, and nothing that the API server would cut or drop. */
export function expectDocumented(review: Json, answer: Json): void {
  const { apiVersion, kind, response, ...rest } = answer
  expect({ apiVersion, kind, rest }).toEqual({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    rest: {},
  })
  expect(response.uid).toBe(review.request.uid)
  expect(Object.keys(response).filter((field) => !fields.includes(field))).toEqual([])
  expectPatch(response)
  expectStatus(response)
  const { warnings = [] }: { readonly warnings?: readonly string[] } = response
  expect(warnings.filter((warning) => /\n|^Warning:|^$/.test(warning))).toEqual([])
  expect(warnings.join('').length).toBeLessThanOrEqual(4096)
}

/** A patch and its type come together, and never with a refusal. */
function expectPatch({ allowed, patch, patchType }: Json): void {
  expect(patchType).toBe(patch === undefined ? undefined : 'JSONPatch')
  if (patch === undefined) return
  expect(allowed).toBe(true)
  for (const { op, path } of JSON.parse(Buffer.from(patch, 'base64').toString())) {
    expect(op).toMatch(/^(add|replace|remove)$/)
    expect(path).toMatch(/^\/spec\//)
  }
}

/** A refusal has a code, the reason that belongs to it, and words; what is admitted has no status. */
function expectStatus({ allowed, status }: Json): void {
  expect(status === undefined).toBe(allowed)
  if (allowed) return
  const { code, reason, message, details } = status
  expect([`${code} ${reason}`]).toEqual([
    expect.stringMatching(/^(422 Invalid|429 TooManyRequests)$/),
  ])
  expect(message).toMatch(/\S/)
  const cause = { reason: 'FieldValueInvalid', field: expect.stringMatching(/./) }
  expect(details).toEqual(
    code === 429
      ? { retryAfterSeconds: expect.any(Number) }
      : {
          group: 'substratus.ai',
          kind: expect.any(String),
          name: expect.any(String),
          causes: details.causes.map(() => ({ ...cause, message: expect.stringMatching(/./) })),
        },
  )
  for (const { message: words } of details.causes ?? []) expect(message).toContain(words)
}
