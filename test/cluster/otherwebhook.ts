import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { localCertificate } from '../certificate.ts'
import type { Json } from '../objects.ts'
import { ok } from './cluster.ts'

/** A webhook of somebody else, which the API server asks beside ours. */

interface OtherWebhook {
  /** The reviews, in order. */
  readonly reviews: Json[]
  readonly stop: () => Promise<void>
}

interface OtherOptions {
  readonly type: 'Mutating' | 'Validating'
  /** The API server asks webhooks in the order of these names; ours is "substratus". */
  readonly name: string
  readonly namespace: string
  /** The operations of a patch of the object, for a webhook that mutates. */
  readonly patch?: (object: Json) => readonly object[]
  readonly webhook?: object
}

/** Starts it and registers it for one namespace; `webhook` adds to its registration. */
export async function otherWebhook(options: OtherOptions): Promise<OtherWebhook> {
  const { type, name, namespace, patch = () => [], webhook } = options
  const { ca, server: pair } = await localCertificate(mkdtempSync(join(tmpdir(), 'webhook-')))
  const reviews: Json[] = []
  const server = createServer(pair, async (request, response) => {
    const review = JSON.parse(await text(request))
    reviews.push(review)
    const { uid, object } = review.request
    const patched = Buffer.from(JSON.stringify(patch(object))).toString('base64')
    const { apiVersion, kind } = review
    const mutated = type === 'Mutating' && { patchType: 'JSONPatch', patch: patched }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ apiVersion, kind, response: { uid, allowed: true, ...mutated } }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const clientConfig = {
    url: `https://127.0.0.1:${port}/`,
    caBundle: Buffer.from(ca).toString('base64'),
  }
  const kind = `${type}WebhookConfiguration`
  await ok(
    ['apply', '-f', '-'],
    registration(kind, { name, namespace }, { clientConfig, ...webhook }),
  )
  return {
    reviews,
    stop: async () => {
      await ok(['delete', kind, name])
      server.close()
      server.closeAllConnections()
    },
  }
}

const registration = (
  kind: string,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  webhook: object,
): string =>
  JSON.stringify({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name },
    webhooks: [
      {
        name: `${name}.example.com`,
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        rules: [
          {
            apiGroups: ['substratus.ai'],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['*'],
          },
        ],
        ...webhook,
      },
    ],
  })
