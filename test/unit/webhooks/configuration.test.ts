import { expect, test } from 'vitest'
import { kinds } from '../../../crds/kinds.ts'
import { admissionWebhooks } from '../../../webhooks/configuration.ts'

interface Webhook {
  readonly name: string
  readonly failurePolicy: string
  readonly clientConfig: { readonly url: string }
  readonly rules: readonly { readonly operations: readonly string[] }[]
  readonly sideEffects: string
  readonly timeoutSeconds: number
  readonly admissionReviewVersions: readonly string[]
  readonly reinvocationPolicy?: string
}

const configurations = admissionWebhooks({
  url: 'https://10.0.0.1:9443',
  caBundle: 'Y2E=',
}) as readonly { readonly webhooks: readonly Webhook[] }[]
const webhooks = configurations.flatMap(({ webhooks }) => webhooks)

test('only validate fails closed: a webhook that is down never blocks a deletion', () => {
  expect(
    webhooks.map(({ name, failurePolicy, clientConfig, rules }) => ({
      name,
      failurePolicy,
      url: clientConfig.url,
      operations: rules[0]?.operations,
    })),
  ).toEqual([
    {
      name: 'mutate.substratus.ai',
      failurePolicy: 'Ignore',
      url: 'https://10.0.0.1:9443/admission/mutate',
      operations: ['CREATE', 'UPDATE'],
    },
    {
      name: 'validate.substratus.ai',
      failurePolicy: 'Fail',
      url: 'https://10.0.0.1:9443/admission/validate',
      operations: ['CREATE', 'UPDATE'],
    },
    {
      name: 'delete.substratus.ai',
      failurePolicy: 'Ignore',
      url: 'https://10.0.0.1:9443/admission/validate',
      operations: ['DELETE'],
    },
  ])
})

test('each webhook gets only our kinds, has no side effects and waits at most 5 s', () => {
  for (const { rules, sideEffects, timeoutSeconds, admissionReviewVersions } of webhooks) {
    expect(rules).toEqual([
      {
        apiGroups: ['substratus.ai'],
        apiVersions: ['v1'],
        operations: expect.any(Array),
        resources: kinds.map(({ plural }) => plural),
        scope: 'Namespaced',
      },
    ])
    expect(sideEffects).toBe('None')
    expect(timeoutSeconds).toBeLessThanOrEqual(5)
    expect(admissionReviewVersions).toEqual(['v1'])
  }
})

test('only mutate is asked again about what another webhook changed', () => {
  const policies = webhooks.map(({ reinvocationPolicy }) => reinvocationPolicy)
  expect(policies).toEqual(['IfNeeded', undefined, undefined])
})
