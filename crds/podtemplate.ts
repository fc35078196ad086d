import { affinity, labelMap, labelName, selector, topologyKey } from './podaffinity.ts'
import { probe } from './podprobe.ts'
import { name, quantity, relative, volumes, volumeTypeNames } from './podvolumes.ts'
import {
  boolean,
  choice,
  integer,
  list,
  map,
  object,
  type Schema,
  shared,
  string,
  type TypeOf,
} from './schema/builders.ts'

/**
 * spec.pod: what a user can set on an object's Pods beyond its own fields, with the structure of the
 * Kubernetes API. The configuration has the same object for each kind, and for the builder. Fields that
 * could take over the node or another object's data, such as hostPath and projected volumes, do not
 * exist here.
 */

const tolerations = list(
  'Taints of nodes that the Pods tolerate, besides those of the GPU profile.',
  object('A toleration.', {
    key: string('The key of the taint; without it, any, with the operator Exists.', {
      minLength: 1,
      maxLength: 317,
    }),
    operator: choice('Equal (the default) compares the value, Exists does not.', [
      'Exists',
      'Equal',
    ]),
    value: string('The value of the taint; leave it out where it would be empty.', {
      minLength: 1,
      maxLength: 63,
    }),
    effect: choice('The effect of the taint; default any.', [
      'NoSchedule',
      'PreferNoSchedule',
      'NoExecute',
    ]),
    tolerationSeconds: integer('With NoExecute: for how long the Pod stays.', { format: 'int64' }),
  }),
  { maxItems: 32 },
)

const topologySpreadConstraints = list(
  'How Pods are spread over zones or nodes.',
  object(
    'A constraint.',
    {
      topologyKey,
      maxSkew: integer('By how many Pods any two zones or nodes may differ.', {
        minimum: 1,
        format: 'int32',
      }),
      whenUnsatisfiable: choice('What happens to a Pod that would violate it.', [
        'DoNotSchedule',
        'ScheduleAnyway',
      ]),
      labelSelector: selector('The Pods that count.'),
      matchLabelKeys: list(
        'Labels whose own value a counted Pod must have.',
        string('A label.', { maxLength: 317, pattern: labelName }),
        {
          maxItems: 8,
        },
      ),
      minDomains: integer('With DoNotSchedule: how many zones or nodes there must be.', {
        minimum: 1,
        format: 'int32',
      }),
      nodeAffinityPolicy: choice('Whether nodes that the Pod cannot use count.', [
        'Honor',
        'Ignore',
      ]),
      nodeTaintsPolicy: choice('Whether nodes whose taints the Pod does not tolerate count.', [
        'Honor',
        'Ignore',
      ]),
    },
    { required: ['topologyKey', 'maxSkew', 'whenUnsatisfiable'] },
  ),
  { maxItems: 16 },
)

const container = object('The container that runs your program.', {
  volumeMounts: list(
    'Where the volumes are mounted; not at or around /content/data and the other paths of the container contract.',
    object(
      'A mount.',
      {
        name: string('The volume.', { minLength: 1, maxLength: 63 }),
        mountPath: string('The path in the container, without a slash at the end.', {
          maxLength: 1024,
          pattern: '^(/[^/:\\x00-\\x1f\\x7f]+)+$',
        }),
        subPath: string('A folder or a file of the volume; default the whole.', relative),
        readOnly: boolean('Whether it is mounted read-only.'),
      },
      { required: ['name', 'mountPath'] },
    ),
    { maxItems: 64 },
  ),
  envFrom: list(
    'ConfigMaps and Secrets whose keys become environment variables; env and params win.',
    object('A source.', {
      prefix: string('A prefix for the names of the variables.', {
        maxLength: 64,
        pattern: '^[-._a-zA-Z][-._a-zA-Z0-9]*$',
      }),
      configMapRef: object(
        'A ConfigMap.',
        { name: name('Its name.'), optional: boolean('Whether it may be missing.') },
        { required: ['name'] },
      ),
      secretRef: object(
        'A Secret of your own; not one that the tools of this cluster use.',
        { name: name('Its name.'), optional: boolean('Whether it may be missing.') },
        { required: ['name'] },
      ),
    }),
    {
      maxItems: 32,
      'x-kubernetes-validations': [
        {
          rule: 'self.all(source, has(source.configMapRef) != has(source.secretRef))',
          message: 'each needs either configMapRef or secretRef',
        },
      ],
    },
  ),
  ports: list(
    'More ports that the container listens on, declared for others to find. The Service forwards only its own.',
    object(
      'A port.',
      {
        containerPort: integer('The port.', { minimum: 1, maximum: 65535, format: 'int32' }),
        name: string('Its name.', {
          minLength: 1,
          maxLength: 15,
          pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
        }),
        protocol: choice('Its protocol; default TCP.', ['TCP', 'UDP', 'SCTP']),
      },
      { required: ['containerPort'] },
    ),
    { maxItems: 16 },
  ),
  workingDir: string('The working directory.', {
    maxLength: 1024,
    pattern: '^/[^\\x00-\\x1f\\x7f]*$',
  }),
  startupProbe: probe(
    'For a ModelServer or a Notebook: no other probe runs before this one succeeds.',
  ),
  livenessProbe: probe(
    'For a ModelServer or a Notebook: the container is restarted when it fails. A restart loads the weights again.',
  ),
  resources: object('What the container may use, besides spec.resources.', {
    limits: map(
      'Limits by resource: cpu, memory, ephemeral-storage, or an extended resource other than GPUs, which spec.resources.gpu requests.',
      quantity,
      { maxProperties: 16 },
    ),
  }),
})

export const pod = shared(
  'pod',
  object(
    'Settings of the Pods beyond the fields of the spec, as in a Pod. Changing them repeats no finished work. The administrator decides which fields are allowed (podFields).',
    {
      annotations: map(
        'Annotations of the Pods, including those of builds and packaging.',
        string('The value.', { maxLength: 16384 }),
        {
          maxProperties: 32,
          'x-kubernetes-validations': [
            {
              rule: `self.all(name, name.matches('${labelName}'))`,
              message: 'the name of an annotation is [PREFIX/]NAME, as in example.com/owner',
            },
          ],
        },
      ),
      labels: labelMap('Labels of the Pods, besides those of the object.', 'a label'),
      nodeSelector: labelMap('Labels that a node must have.', 'a label'),
      tolerations,
      affinity,
      topologySpreadConstraints,
      priorityClassName: name('The PriorityClass.'),
      serviceAccountName: name('The ServiceAccount. Its token is never mounted.'),
      schedulerName: name('The scheduler.'),
      terminationGracePeriodSeconds: integer('How long a Pod may take to stop, in seconds.', {
        minimum: 1,
        maximum: 86400,
        format: 'int64',
      }),
      securityContext: object('The user and groups of the container.', {
        runAsUser: userId('The user of your container.'),
        runAsGroup: userId('Its first group.'),
        fsGroup: userId('The group of the volumes. The group 3003 remains a supplemental group.'),
      }),
      volumes,
      container,
    },
  ),
)
export type PodFields = TypeOf<typeof pod>

function userId(what: string): Schema<number> {
  return integer(what, { minimum: 0, maximum: 2147483647, format: 'int64' })
}

/** The field of all kinds. It is part of no hash: it does not decide what the result is. */
export const podField = { pod }

/** `annotations`, `volumes.csi`, `container.ports`: what podFields of the configuration can list. */
export const podFieldNames: readonly string[] = Object.entries(pod.properties ?? {}).flatMap(
  ([field, { properties }]) => {
    if (field === 'volumes') return volumeTypeNames.map((type) => `volumes.${type}`)
    return field === 'container'
      ? Object.keys(properties ?? {}).map((inner) => `container.${inner}`)
      : [field]
  },
)
