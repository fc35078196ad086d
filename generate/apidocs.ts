import { podFieldDefaults } from '../crds/config/pods.ts'
import { annotations, apiVersion, type Kind } from '../crds/kind.ts'
import { pod, podFieldNames } from '../crds/podtemplate.ts'
import { type Schema, sharedAs } from '../crds/schema/builders.ts'
import type { Hook } from '../hooks/engine/hook.ts'
import { hooks } from '../hooks/hooks.ts'
import { table } from './definitions.ts'

/** docs/api.md: the fields of each kind, the rules on them, and the objects that it makes. */

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')).replaceAll(' ', ''), ...rows.map(row)].join('\n')

const userAnnotations = tableOf(
  ['annotation', 'kinds', 'meaning'],
  [
    [
      `\`${annotations.rerun}\``,
      'all',
      'A new value, such as `"$(date)"`, runs the finished stages again: the build, and the load, import or training.',
    ],
    [
      `\`${annotations.rollout}\``,
      'ModelServer',
      'A new value takes the change that `UpdatePending` tells of, and the Pods are replaced.',
    ],
    [
      `\`${annotations.opened}\``,
      'ModelServer, Notebook',
      'A new value starts an idle one. Use the current time, `"$(date -u +%FT%TZ)"`: it also prevents a sleep that is about to begin. An object with `suspend`, or a ModelServer with 0 replicas, is not started.',
    ],
  ],
)

interface Rule {
  readonly field: string
  readonly message: string
}

/** The rules of a schema and of its fields. The description covers rules with a computed message. */
function rulesIn(schema: Schema, path: string): readonly Rule[] {
  const own = (schema['x-kubernetes-validations'] ?? []).flatMap(({ message, fieldPath = '' }) =>
    message ? [{ field: path + fieldPath, message }] : [],
  )
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    field[sharedAs] ? [] : rulesIn(field, `${path}.${name}`),
  )
  return [...own, ...inner]
}

const onlyAllowed = 'only if `podFields` lists it'

const explainedPodRules: readonly Rule[] = [
  {
    field: 'annotations',
    message:
      'none of Kubernetes (those of `cluster-autoscaler.kubernetes.io` are allowed), Metacontroller and this project',
  },
  { field: 'labels', message: 'none of Kubernetes, Metacontroller and this project' },
  { field: 'nodeSelector', message: 'must not contradict the GPU profile' },
  { field: 'tolerations', message: 'as the API server requires of a Pod' },
  { field: 'affinity', message: 'operators and values must fit, as the API server requires' },
  { field: 'topologySpreadConstraints', message: 'as the API server requires of a Pod' },
  ...['priorityClassName', 'serviceAccountName', 'schedulerName', 'container.workingDir'].map(
    (field) => ({ field, message: onlyAllowed }),
  ),
  { field: 'container.resources', message: onlyAllowed },
  { field: 'terminationGracePeriodSeconds', message: 'of a ModelServer at least 10' },
  { field: 'securityContext', message: 'not for the builder' },
  { field: 'securityContext.runAsUser', message: 'not 0 with `podSecurity: restricted`' },
  {
    field: 'volumes',
    message:
      'no names of ours (`model`, `data`, `artifacts`, `params`, `shm`, `home`, `runtime`); a claim of a Model, a Dataset or a Notebook must be `readOnly`; no Secret of the tools; `image` needs a cluster that mounts images',
  },
  {
    field: 'container.volumeMounts',
    message:
      'must name a volume beside it, and stay away from the paths of the container contract and, with a GPU, /dev/shm',
  },
  { field: 'container.envFrom', message: 'no Secret of the tools' },
  { field: 'container.ports', message: 'not the port, or the name `http`, that is served' },
  { field: 'container.startupProbe', message: 'only of a ModelServer or a Notebook' },
  { field: 'container.livenessProbe', message: 'only of a ModelServer or a Notebook' },
  {
    field: 'container.resources.limits',
    message: 'no GPUs; not less than what is requested; not what `limits` sets already',
  },
].map(({ field, message }) => ({ field: `spec.pod.${field}`, message }))

/**
 * Rules of crds/ and webhooks/ that depend on the administrator's configuration or another object, by
 * field. They are described here because their messages are computed.
 */
export const explainedRules: readonly Rule[] = [
  { field: 'spec.resources.gpu.type', message: 'must be a profile of this cluster' },
  { field: 'spec.runtime', message: 'must be a server preset of this cluster' },
  {
    field: 'spec.build',
    message: 'needs a registry: the administrator must have set `registry.prefix`',
  },
  { field: 'spec.build.git.url', message: 'plain http:// needs `git.allowHttp`' },
  { field: 'spec.source', message: 'plain http:// needs `git.allowHttp`' },
  {
    field: 'spec.build.git.secretName',
    message: 'must not be a Secret of the tools (`registry.pushSecretName` and the like)',
  },
  { field: 'spec.env', message: 'must not refer to a Secret of the tools' },
  {
    field: 'spec.params',
    message:
      'values are strings, numbers or booleans; at most 64 KiB as JSON; integers up to 2^53; two names must not become the same variable; must not refer to a Secret of the tools',
  },
  {
    field: 'spec',
    message:
      'env, params (which count twice), command, args and pod are at most 229376 bytes together as JSON',
  },
  { field: 'spec.build.args', message: 'at most 229376 bytes together as JSON' },
  { field: 'spec.package', message: '`Always` needs `registry.prefix`' },
  {
    field: 'spec.model',
    message:
      'must exist in the namespace ([`references`](operate.md#references) can turn this into a warning); bases form no cycle',
  },
  {
    field: 'spec.dataset',
    message:
      'must exist in the namespace ([`references`](operate.md#references) can turn this into a warning)',
  },
  {
    field: 'spec.replicas',
    message: 'more than one needs a Model that several nodes can read',
  },
  {
    field: 'spec.strategy',
    message:
      'Recreate takes neither maxSurge nor maxUnavailable; they may not both be 0; unknown fields are refused by admission alone',
  },
  { field: 'spec.resources.disk', message: 'must not shrink while the object has a claim' },
  ...explainedPodRules,
]

const hasField = (schema: Schema, path: string): boolean =>
  path
    .split('.')
    .slice(1)
    .reduce<Schema | undefined>((at, name) => at?.properties?.[name], schema) !== undefined

/** The fields of spec.pod have a chapter of their own. */
const isInPod = (field: string): boolean => field.startsWith('spec.pod.')

const rulesOf = ({ spec, rules }: Kind): string =>
  listed([
    ...rulesIn(spec, 'spec'),
    ...rules.map(({ message = '', fieldPath = '' }) => ({ field: fieldPath.slice(1), message })),
    ...explainedRules.filter(({ field }) => !isInPod(field) && hasField(spec, field)),
  ])

const listed = (rules: readonly Rule[]): string =>
  rules.map(({ field, message }) => `- ${field ? `\`${field}\`: ` : ''}${message}`).join('\n')

const podChapter: readonly string[] = [
  '## spec.pod',
  'The same object in all four kinds, in the shapes of the Kubernetes API, and in the configuration: `pods.Dataset`, `pods.Model`, `pods.ModelServer`, `pods.Notebook` and `pods.builder`. What the object says wins over the configuration; a GPU profile and what Substratus itself needs win over both, and a value that they contradict is refused with both values. It is part of no hash: changing it repeats no finished work, and makes a Job anew that failed or whose program never started. Builds and packaging take only the annotations, and `imagePullSecrets`.',
  `Unless the administrator sets \`podFields\`, these are refused: ${podFieldNames
    .filter((name) => !podFieldDefaults.includes(name))
    .map((name) => `\`${name}\``)
    .join(', ')}. [security.md](security.md) says why.`,
  '### spec.pod fields',
  table(pod, 'spec.pod'),
  '### spec.pod rules',
  listed([...rulesIn(pod, 'spec.pod'), ...explainedRules.filter(({ field }) => isInPod(field))]),
]

function defaultsOf({ requests: { cpu, memory, disk } }: Kind): string {
  const parts = [`${cpu} cores`, `${memory}Gi of memory`, ...(disk ? [`${disk}Gi of disk`] : [])]
  return `Without \`resources\`: ${parts.join(', ')}. The administrator can change these defaults.`
}

const chapter = ({ kind, makes }: Hook): readonly string[] => [
  `## ${kind.kind}`,
  kind.description,
  `\`kubectl get ${kind.plural}\`${kind.shortNames.map((name) => `, or \`${name}\``).join('')}.`,
  `### ${kind.kind} spec`,
  table(kind.spec, 'spec'),
  defaultsOf(kind),
  `### ${kind.kind} rules`,
  'Admission refuses an object that breaks one of these; most of them are in the schema, and hold without the webhook too.',
  rulesOf(kind),
  `### ${kind.kind} status`,
  table(kind.status, 'status'),
  `### What a ${kind.kind} makes`,
  tableOf(
    ['kind', 'name', 'purpose'],
    makes.map((child) => [child.kind.kind, `\`${child.name}\``, child.purpose]),
  ),
]

export const apiDocs = (): string =>
  `${[
    '<!-- Generated by npm run generate; do not edit. -->',
    `# The API: ${apiVersion}`,
    'Four kinds, all namespaced, all in the category `ai` (`kubectl get ai`). A reference is a name in the same namespace.',
    '## Annotations',
    'Users set these; all others under `substratus.ai` are internal.',
    userAnnotations,
    ...hooks.flatMap(chapter),
    ...podChapter,
  ].join('\n\n')}\n`
