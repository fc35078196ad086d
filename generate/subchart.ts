import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { group } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import { childrenOfAll } from '../metacontroller/compositecontrollers.ts'
import { flags, released } from '../metacontroller/release.ts'
import { root } from '../terminal/root.ts'
import { yaml, yamlMark } from './yaml.ts'

/**
 * Metacontroller in two forms: the subchart of metacontroller.enabled, and values for Metacontroller's
 * own chart. Both grant the same permissions.
 */

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

const seen = ['get', 'list', 'watch']
const every = [...seen, 'create', 'update', 'patch', 'delete']

/** The permissions that it needs for these controllers, instead of all, which is its default. */
function rules(): readonly Rule[] {
  const plurals = kinds.map(({ plural }) => plural)
  const groupOf = (apiVersion: string) => apiVersion.split('/').at(-2) ?? ''
  const groups = [...new Set(childrenOfAll.map(({ apiVersion }) => groupOf(apiVersion)))]
  return [
    { apiGroups: [group], resources: plurals, verbs: seen },
    {
      apiGroups: [group],
      resources: plurals.flatMap((plural) => [`${plural}/status`, `${plural}/finalizers`]),
      verbs: ['get', 'update', 'patch'],
    },
    ...groups.map((apiGroup) => ({
      apiGroups: [apiGroup],
      resources: childrenOfAll
        .filter(({ apiVersion }) => groupOf(apiVersion) === apiGroup)
        .map(({ resource }) => resource),
      verbs: every,
    })),
    {
      apiGroups: ['metacontroller.k8s.io'],
      resources: ['compositecontrollers', 'decoratorcontrollers'],
      verbs: seen,
    },
    { apiGroups: ['metacontroller.k8s.io'], resources: ['controllerrevisions'], verbs: every },
    { apiGroups: ['apiextensions.k8s.io'], resources: ['customresourcedefinitions'], verbs: seen },
    {
      apiGroups: ['', 'events.k8s.io'],
      resources: ['events'],
      verbs: ['create', 'patch', 'update'],
    },
    { apiGroups: [''], resources: ['namespaces'], verbs: seen },
  ]
}

/** The chart grants this itself, if Metacontroller must read a token or a CA. */
const forSecrets: Rule = { apiGroups: [''], resources: ['secrets'], verbs: seen }

const separately = (): string =>
  `${yamlMark}# Values for Metacontroller's own chart, if it manages only this project's objects:
#
#   helm install metacontroller oci://ghcr.io/metacontroller/metacontroller-helm --version ${released.tag.slice(1)} \\
#     --namespace metacontroller --create-namespace --values helm/metacontroller-values.yaml
#
# By default it may do everything. It reads Secrets for the hooks' token and, with cert-manager, for the
# CA: if you use neither, remove that permission. It always watches namespaces.
${yaml({
  commandArgs: [
    '--zap-log-level=4',
    '--discovery-interval=20s',
    '--cache-flush-interval=30m',
    '--health-probe-bind-address=:8081',
    ...flags,
  ],
  clusterRole: { rules: [...rules(), forSecrets] },
})}`

/** helm uninstall retains the definitions; the label helps to find and remove them. */
const definitions = (): string =>
  parseAllDocuments(readFileSync(join(root, 'metacontroller', 'crds.yaml'), 'utf8'))
    .map((document) => {
      const { metadata, ...rest } = document.toJS()
      const labels = { 'app.kubernetes.io/part-of': 'substratus' }
      return yaml({ ...rest, metadata: { ...metadata, labels } })
    })
    .join('---\n')

export const metacontrollerFiles = (): ReadonlyMap<string, string> =>
  new Map([
    ['helm/metacontroller-values.yaml', separately()],
    ['helm/charts/metacontroller/crds/metacontroller.yaml', yamlMark + definitions()],
    ['helm/charts/metacontroller/files/rules.yaml', yamlMark + yaml(rules())],
  ])
