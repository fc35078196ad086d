import { beforeAll, expect, test } from 'vitest'
import { admissionWebhooks } from '../../webhooks/configuration.ts'
import { apply, kubectl, manifest, namespace, ok } from './cluster.ts'

let ns = ''
const nobody = 'https://127.0.0.1:9'
const configuration = 'substratus-down'

/** The validating webhook for a single namespace, at an address where nothing listens. */
function downIn(namespace: string): object {
  const validating = admissionWebhooks({ url: nobody, caBundle: '' })[1] as {
    readonly webhooks: readonly object[]
  }
  return {
    ...validating,
    metadata: { name: configuration },
    webhooks: validating.webhooks.map((webhook) => ({
      ...webhook,
      clientConfig: { url: nobody },
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    })),
  }
}

const patch = (spec: object) =>
  kubectl(['-n', ns, 'patch', 'model', 'held', '--type=merge', '-p', JSON.stringify({ spec })])

beforeAll(async () => {
  ns = await namespace('webhookdown')
  await apply(ns, manifest('Model', 'held', { image: 'example.com/model:1' }))
  await ok(['apply', '-f', '-'], JSON.stringify(downIn(ns)))
  return async () => {
    await ok(['delete', 'validatingwebhookconfiguration', configuration])
  }
})

test('while the webhook is down, requests that it would validate are refused', async () => {
  // The API server reads a new webhook configuration after a moment.
  await expect
    .poll(async () => (await patch({ image: `example.com/model:${Date.now()}` })).stderr, {
      timeout: 10_000,
    })
    .toContain('failed calling webhook')
  // The alert SubstratusWebhookUnreachable reads this metric of the API server.
  expect(await ok(['get', '--raw', '/metrics'])).toMatch(
    /^apiserver_admission_webhook_rejection_count\{(?=.*error_type="calling_webhook_error")(?=.*name="validate\.substratus\.ai").*\} [1-9]/m,
  )
})

test('while the webhook is down, suspending, resuming, labelling and deleting work', async () => {
  for (const suspend of [true, false, null]) expect((await patch({ suspend })).stderr).toBe('')
  await ok(['-n', ns, 'label', 'model', 'held', 'team=a'])
  await ok(['-n', ns, 'delete', 'model', 'held'])
})
