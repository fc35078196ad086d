import { choice, integer, list, map, object, string } from './schema/builders.ts'

/** Labels and their selectors, and the affinity of spec.pod: the shapes of the Kubernetes API. */

/** [PREFIX/]NAME, as the API server accepts it. */
export const labelName =
  '^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'

const labelValue = { maxLength: 63, pattern: '^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$' }

const key = string('The label.', { minLength: 1, maxLength: 317, pattern: labelName })

export const topologyKey = string('The node label that identifies the zone or the node.', {
  minLength: 1,
  maxLength: 317,
  pattern: labelName,
})

/** Labels by name. `what` names one in the message. */
export const labelMap = (description: string, what: string) =>
  map(description, string('The value.', labelValue), {
    maxProperties: 32,
    'x-kubernetes-validations': [
      {
        rule: `self.all(name, name.matches('${labelName}'))`,
        message: `the name of ${what} is [PREFIX/]NAME, as in example.com/pool`,
      },
    ],
  })

const values = list('With In and NotIn: the values.', string('A value.', labelValue), {
  maxItems: 64,
})

const requirements = <const O extends readonly string[]>(operators: O) =>
  list(
    'Requirements, all of which must be met.',
    object(
      'A requirement.',
      { key, operator: choice('How it compares.', operators), values },
      { required: ['key', 'operator'] },
    ),
    { maxItems: 16 },
  )

const ofPods = requirements(['In', 'NotIn', 'Exists', 'DoesNotExist'])

export const selector = (what: string) =>
  object(what, {
    matchLabels: map('Labels with their values.', string('The value.', labelValue), {
      maxProperties: 32,
    }),
    matchExpressions: ofPods,
  })

const nodeTerm = object('Nodes that meet all of these.', {
  matchExpressions: requirements(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
  matchFields: list(
    'The same for the node’s name.',
    object(
      'A requirement.',
      {
        key: choice('The field.', ['metadata.name']),
        operator: choice('How it compares.', ['In', 'NotIn']),
        values: list('One name.', string('A name.', { minLength: 1, maxLength: 253 }), {
          minItems: 1,
          maxItems: 1,
        }),
      },
      { required: ['key', 'operator', 'values'] },
    ),
    { maxItems: 8 },
  ),
})

const weight = integer('How much it counts, from 1 to 100.', {
  minimum: 1,
  maximum: 100,
  format: 'int32',
})

const nodeAffinity = object('Which nodes.', {
  requiredDuringSchedulingIgnoredDuringExecution: object(
    'Nodes that the Pod needs.',
    {
      nodeSelectorTerms: list('Terms, one of which must be met.', nodeTerm, {
        minItems: 1,
        maxItems: 8,
      }),
    },
    { required: ['nodeSelectorTerms'] },
  ),
  preferredDuringSchedulingIgnoredDuringExecution: list(
    'Nodes that the Pod prefers.',
    object(
      'A preference.',
      { weight, preference: nodeTerm },
      { required: ['weight', 'preference'] },
    ),
    { maxItems: 8 },
  ),
})

const keys = (what: string) => list(what, key, { maxItems: 8 })

const podTerm = object(
  'Pods in one zone or on one node.',
  {
    labelSelector: selector('The Pods.'),
    namespaces: list(
      'Their namespaces; default the Pod’s own.',
      string('A namespace.', { minLength: 1, maxLength: 63 }),
      { maxItems: 16 },
    ),
    namespaceSelector: selector('Their namespaces, by label; {} means all.'),
    topologyKey,
    matchLabelKeys: keys('Labels whose value must equal that of the new Pod.'),
    mismatchLabelKeys: keys('Labels whose value must differ from that of the new Pod.'),
  },
  { required: ['topologyKey'] },
)

const podAffinity = (what: string) =>
  object(what, {
    requiredDuringSchedulingIgnoredDuringExecution: list('What the Pod needs.', podTerm, {
      maxItems: 8,
    }),
    preferredDuringSchedulingIgnoredDuringExecution: list(
      'What the Pod prefers.',
      object(
        'A preference.',
        { weight, podAffinityTerm: podTerm },
        { required: ['weight', 'podAffinityTerm'] },
      ),
      { maxItems: 8 },
    ),
  })

export const affinity = object('Where Pods should run.', {
  nodeAffinity,
  podAffinity: podAffinity('Near which other Pods.'),
  podAntiAffinity: podAffinity('Away from which other Pods.'),
})
