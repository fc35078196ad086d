import { group, version } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'

/** Where the API server finds the webhooks: behind a Service, or at a URL outside the cluster. */
export type Address = {
  /** The CA of the server's certificate: PEM in base64. */
  readonly caBundle: string
  /** The prefix of the paths if a secret segment follows /admission; by default /admission. */
  readonly base?: string
} & (
  | {
      /** Without a trailing slash, for instance https://127.0.0.1:9443. */
      readonly url: string
    }
  | {
      readonly service: {
        readonly namespace: string
        readonly name: string
        readonly port: number
      }
    }
)

/** A secret segment of the paths: the API server allows no capital letters there. */
export const segmentPattern = '[a-z0-9][-a-z0-9]{14,61}[a-z0-9]'

const clientConfig = (address: Address, path: string) => ({
  ...('url' in address
    ? { url: `${address.url}${path}` }
    : { service: { ...address.service, path } }),
  caBundle: address.caBundle,
})

const rule = (...operations: readonly string[]) => ({
  apiGroups: [group],
  apiVersions: [version],
  operations,
  resources: kinds.map(({ plural }) => plural),
  scope: 'Namespaced',
})

/** Whether both specs are the same except for spec.suspend. */
const onlySuspendDiffers = [
  "object.spec.all(field, field == 'suspend' || (field in oldObject.spec && object.spec[field] == oldObject.spec[field]))",
  "oldObject.spec.all(field, field == 'suspend' || field in object.spec)",
].join(' && ')

/**
 * Changes of labels, finalizers, status, the scale subresource and spec.suspend bypass the webhooks: a
 * webhook that is down must not stop anyone from deleting, scaling or suspending what runs.
 */
const specChanges = {
  name: 'spec-changes',
  expression: `request.operation == 'CREATE' || !(has(object.metadata.deletionTimestamp) || (${onlySuspendDiffers}))`,
}

/**
 * The two webhook configurations. validate refuses what breaks a rule, and everything while it is down.
 * mutate may be down, because the hooks apply the same defaults. DELETE only warns, so that it never
 * blocks a namespace in Terminating.
 */
export const admissionWebhooks = (address: Address) => {
  const common = { admissionReviewVersions: ['v1'], sideEffects: 'None' }
  const client = (name: string) => ({
    clientConfig: clientConfig(address, `${address.base ?? '/admission'}/${name}`),
  })
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'substratus' },
      webhooks: [
        {
          name: `mutate.${group}`,
          ...client('mutate'),
          ...common,
          rules: [rule('CREATE', 'UPDATE')],
          matchConditions: [specChanges],
          failurePolicy: 'Ignore',
          // Another webhook may add what has defaults of ours, such as a GPU without a count.
          reinvocationPolicy: 'IfNeeded',
          timeoutSeconds: 5,
        },
      ],
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'substratus' },
      webhooks: [
        {
          name: `validate.${group}`,
          ...client('validate'),
          ...common,
          rules: [rule('CREATE', 'UPDATE')],
          matchConditions: [specChanges],
          failurePolicy: 'Fail',
          timeoutSeconds: 5,
        },
        {
          name: `delete.${group}`,
          ...client('validate'),
          ...common,
          rules: [rule('DELETE')],
          failurePolicy: 'Ignore',
          timeoutSeconds: 2,
        },
      ],
    },
  ]
}
