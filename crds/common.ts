import { build } from './gitbuild.ts'
import { image } from './imagename.ts'
import type { HashPart } from './kind.ts'
import { dnsName } from './names.ts'
import {
  anything,
  boolean,
  choice,
  choiceOrObject,
  integer,
  intOrString,
  list,
  map,
  object,
  string,
  type TypeOf,
} from './schema/builders.ts'

/** Fields that several kinds share. */

export const quantityPattern = '^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$'

export const coresPattern = '^[0-9]+(\\.[0-9]+)?m?$'

/** A pebibyte. The author of a larger integer meant bytes and did not know that it means gibibytes. */
export const mostGibibytes = 1024 ** 2

const gibibytes = (what: string) =>
  intOrString(`${what} An integer is gibibytes, a string a Kubernetes quantity such as "500Mi".`, {
    pattern: quantityPattern,
    patternErrorMessage:
      'write an integer for gibibytes, or a quantity with one of the units Mi, Gi, Ti, M, G and T, such as "20Gi"',
    minimum: 1,
    maxLength: 32,
    'x-kubernetes-validations': [
      {
        rule: "type(self) != string || !self.matches('^[0.]+[A-Za-z]*$')",
        message: 'must be more than 0',
      },
      {
        rule: "type(self) != string || !self.matches('^[0-9]+([.][0-9]+)?$') || self.matches('^[0.]+$')",
        messageExpression:
          "'\"' + string(self) + '\" would be ' + string(self) + ' bytes: write ' + (self.size() > 7 ? 'a quantity with a unit, such as \"16Gi\"' : string(self) + ' without quotes for gibibytes, or \"' + string(self) + 'Gi\"')",
      },
      {
        // Kubernetes accepts it, as it accepts thousandths of a core.
        rule: "type(self) != string || !self.matches('[1-9][0-9.]*m$')",
        messageExpression:
          "'\"' + string(self) + '\" would be thousandths of a byte: write M or Mi for m, or an integer for gibibytes'",
      },
      {
        rule: `type(self) == string || self <= ${mostGibibytes}`,
        messageExpression:
          "string(self) + ' would be ' + string(self) + 'Gi, because an integer means gibibytes: write a smaller number, or a quantity with a unit, such as \"16Gi\"'",
      },
    ],
  })

const gpu = object('GPUs: how many, and of which type.', {
  type: string(
    'One of the administrator’s profiles, for instance nvidia-l4. Alone it means count 1.',
    {
      pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
      maxLength: 63,
    },
  ),
  count: integer('How many. Alone it means any GPU: the default profile. 0 means none.', {
    minimum: 0,
    maximum: 1024,
  }),
})

const resources = object(
  'What the containers request. GPUs are limits too; CPU and memory only where the administrator has set config.limits.',
  {
    cpu: intOrString(
      'An integer is cores, a string a Kubernetes quantity such as "500m". Default 2.',
      {
        pattern: coresPattern,
        patternErrorMessage: 'write an integer for cores, or a quantity such as "1.5" or "500m"',
        minimum: 1,
        maxLength: 32,
      },
    ),
    memory: gibibytes('Memory; default 10.'),
    disk: gibibytes('Space for artifacts, or for the home of a Notebook.'),
    gpu,
  },
)
export type Resources = TypeOf<typeof resources>

const runPolicy = object('The policy of the Job that loads, imports or trains.', {
  backoffLimit: integer(
    'Retries before the Job counts as failed. Default: 2 for a Dataset and an import, 0 for a training.',
    {
      minimum: 0,
      maximum: 100,
      format: 'int32',
    },
  ),
  activeDeadlineSeconds: integer('Its deadline; default none.', {
    minimum: 1,
    maximum: 2147483647,
    format: 'int64',
  }),
  maxDisruptions: integer(
    'How often the Job may lose its Pod to an eviction, a preemption or a reclaimed node before it counts as failed. Default: 10.',
    { minimum: 0, maximum: 1000, format: 'int32' },
  ),
  ttlSecondsAfterFinished: integer(
    'When a finished Job is deleted; default: it stays until the next one. Its result remains.',
    { minimum: 0, maximum: 2147483647, format: 'int32' },
  ),
})
export type RunPolicy = TypeOf<typeof runPolicy>

/**
 * `${{ secrets.NAME.KEY }}` or `${{ configmaps.NAME.KEY }}` as the whole value. The pattern has no
 * backslash, so that it is the same in CEL. It is short, because the API server estimates its cost as
 * its length times that of the values, and refuses a definition whose rules could cost too much.
 */
export const valueReference =
  '^[$]{{ *(secret|configmap)s[.]([a-z0-9]([-a-z0-9]*[a-z0-9])?)[.]([-._a-zA-Z0-9]+) *}}$'

const env = map(
  'Environment variables. A value that is exactly ${{ secrets.NAME.KEY }} or ${{ configmaps.NAME.KEY }} is read from that Secret or ConfigMap by the kubelet.',
  string('The value.', { maxLength: 8192 }),
  {
    maxProperties: 128,
    'x-kubernetes-validations': [
      {
        rule: "self.all(name, name.matches('^[-._a-zA-Z][-._a-zA-Z0-9]*$'))",
        message:
          'names of environment variables are letters, digits, "_", "-" and ".", and begin with no digit',
      },
      {
        rule: `self.all(name, !self[name].contains('\${{') || self[name].matches('${valueReference}'))`,
        message:
          'a value that refers to a Secret or ConfigMap must be exactly ${{ secrets.NAME.KEY }} or ${{ configmaps.NAME.KEY }}, with nothing before or after it',
      },
    ],
  },
)

const words = (what: string) => list(what, string('A word.'), { maxItems: 1024 })

/** The fields of a kind whose description says how they combine with a preset, or with our own program. */
export const commandLine = (command: string, args: string) => ({
  command: words(command),
  args: words(args),
})

/** Spec fields of all four kinds. */
export const specFields = {
  image,
  build,
  ...commandLine('The command, as in a container.', 'Its arguments, as in a container.'),
  env,
  params: map(
    'Scalars for the container: /content/params.json, and PARAM_<UPPER_NAME> each. At most 64 KiB.',
    anything('A string, number or boolean.'),
    { maxProperties: 512 },
  ),
  resources,
  suspend: boolean('Stops what runs; stored data remains.'),
  imagePullSecrets: list(
    'Names of Secrets for private images, besides the administrator’s own.',
    string('A Secret’s name.', { pattern: dnsName, maxLength: 253 }),
    { maxItems: 16, 'x-kubernetes-list-type': 'set' },
  ),
}

/** Which hash each field is part of. */
export const hashedFields = {
  image: 'inputs',
  build: 'inputs',
  command: 'inputs',
  args: 'inputs',
  env: 'inputs',
  params: 'inputs',
  resources: 'attempt',
  suspend: 'neither',
  imagePullSecrets: 'neither',
} as const satisfies Readonly<Record<keyof typeof specFields, HashPart>>

/** The same for each resource: a disk that grows during a training must not end the training. */
export const hashedResources = {
  cpu: 'attempt',
  memory: 'attempt',
  gpu: 'attempt',
  disk: 'neither',
} as const satisfies Readonly<Record<keyof Resources, HashPart>>

export const runPolicyField = { runPolicy }

/** A reference to another object of the same namespace, by name. */
export const reference = (what: string) =>
  object(
    what,
    {
      name: string('Its name; the namespace is always this object’s own.', {
        minLength: 1,
        maxLength: 50,
        pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      }),
    },
    { required: ['name'] },
  )

const ofReplicas = (what: string, percent: string) =>
  intOrString(`${what} A number of Pods, or a percentage of the replicas such as "25%".`, {
    pattern: `^${percent}%$`,
    maxLength: 32,
    minimum: 0,
    maximum: 1000,
  })

export const strategyTypes = ['RollingUpdate', 'Recreate'] as const

export const strategy = choiceOrObject(
  'How changed Pods replace old ones: RollingUpdate, Recreate, or an object with more settings. Default: Recreate with one replica if the old Pod holds a GPU or the Model’s ReadWriteOnce claim, otherwise RollingUpdate.',
  strategyTypes,
  {
    type: choice('The same as the string.', strategyTypes),
    maxSurge: ofReplicas(
      'How many Pods may exist beyond the replicas. Default 25%; 0 with GPUs and more than one replica, because an extra Pod would wait for a spare GPU.',
      '[0-9]{1,4}',
    ),
    maxUnavailable: ofReplicas(
      'How many of the replicas may be unavailable. Default 25%; with GPUs and more than one replica 1.',
      '([0-9]{1,2}|100)',
    ),
  },
  { required: ['type'] },
)
export type Strategy = TypeOf<typeof strategy>
