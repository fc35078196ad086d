import { group, version } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'

/** Where the API server finds the webhooks: at a URL, for a server outside the cluster. */
export interface Address {
  /** Without a trailing slash, for instance https://127.0.0.1:9443. */
  readonly url: string
  /** The CA of the server's certificate: PEM in base64. */
  readonly caBundle: string
}

const rule = (...operations: readonly string[]) => ({
  apiGroups: [group],
  apiVersions: [version],
  operations,
  resources: kinds.map(({ plural }) => plural),
  scope: 'Namespaced',
})

/** Both specs are the same, whatever spec.suspend is. */
const onlySuspendDiffers = [
  "object.spec.all(field, field == 'suspend' || (field in oldObject.spec && object.spec[field] == oldObject.spec[field]))",
  "oldObject.spec.all(field, field == 'suspend' || field in object.spec)",
].join(' && ')

/**
 * Labels, finalizers, status, the scale subresource and spec.suspend never pass through: a webhook
 * that is down must not keep anybody from deleting, scaling or suspending what runs.
 */
const specChanges = {
  name: 'spec-changes',
  expression: `request.operation == 'CREATE' || !(has(object.metadata.deletionTimestamp) || (${onlySuspendDiffers}))`,
}

/**
 * The two webhook configurations. validate refuses what breaks a rule, and everything while it is
 * down; mutate may be down, for the hooks apply the same defaults; DELETE only warns, and must
 * never keep a namespace in Terminating.
 */
export const admissionWebhooks = ({ url, caBundle }: Address): readonly object[] => {
  const common = { admissionReviewVersions: ['v1'], sideEffects: 'None' }
  const client = (path: string) => ({ clientConfig: { url: `${url}/admission/${path}`, caBundle } })
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
