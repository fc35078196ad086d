import { claimSettings, wantsClaim } from '../../crds/claims.ts'
import type { Config } from '../../crds/config.ts'
import { selectionOf, withNodes } from '../../crds/imagevolumes.ts'
import type { Parent } from '../../crds/kind.ts'
import { claimName } from '../../crds/names.ts'
import { quoted } from '../../crds/quoted.ts'
import { type AnySpec, type Rule, type RuleInput, specOf } from '../../crds/rule.ts'
import { singleNodeClaim } from '../../crds/serving.ts'
import type { Artifacts, Condition } from '../../crds/status.ts'

/**
 * Several ModelServers that mount one claim, which only one node can mount at a time. A sleeping one
 * is a reason to warn, because a request wakes it, but none to refuse: until then, the others can run.
 */
export const sharedClaimRules: readonly Rule[] = [
  sharedBy({
    field: 'spec.model.name',
    reads: [
      'spec.model',
      'spec.image',
      'spec.build',
      'spec.runtime',
      'spec.replicas',
      'spec.resources',
      'spec.pod',
    ],
    brokenBy: ['spec.model', 'spec.image', 'spec.build', 'spec.runtime', 'spec.resources.gpu'],
    needs: {
      references: 'all',
      to: 'Model',
      when: ({ object }) => object.kind === 'ModelServer' && runs(specOf(object)),
      withServers: mayStayInClaim,
    },
    modelsOf: ({ model }) => (model ? [model.name] : []),
    asked: (spec) => spec,
    wayOut: () => 'set package: Always on the Model, or use a storage class with ReadWriteMany',
  }),
  sharedBy({
    field: 'spec.adapters',
    reads: ['spec.model', 'spec.adapters', 'spec.replicas', 'spec.resources', 'spec.pod'],
    brokenBy: ['spec.model', 'spec.adapters', 'spec.resources.gpu'],
    needs: {
      references: 'all',
      to: 'Model',
      when: ({ object }) => runs(specOf(object)) && adaptersOf(specOf(object)).length > 0,
      withAdapters: true,
      // A server whose Model is another one cannot serve the adapter.
      withServers: () => true,
    },
    modelsOf: adaptersOf,
    // An adapter is never the server's own image.
    asked: () => ({ runtime: 'any' }),
    wayOut: (model) =>
      `${artifactsOf(model)?.inImage ? '' : 'set package: Always on the adapter and '}use nodes that mount images (imageVolumes), or use a storage class with ReadWriteMany`,
  }),
]

/** The Models that a server mounts, and how. */
interface Mounts {
  readonly modelsOf: (spec: AnySpec) => readonly string[]
  /** What decides whether such a Model is mounted from its claim. */
  readonly asked: (spec: AnySpec) => Parameters<typeof singleNodeClaim>[0]
  readonly wayOut: (model: Parent) => string
}

function sharedBy({
  modelsOf,
  asked,
  wayOut,
  ...rule
}: Pick<Rule, 'field' | 'reads' | 'brokenBy' | 'needs'> & Mounts): Rule {
  const claimsOf = (input: RuleInput) => sharedClaims(input, { modelsOf, asked, wayOut })
  return {
    ...rule,
    // The Pods of the others may mount the image, as their nodes could when they were created.
    warns: (input) =>
      !claimsOf({ ...input, nodes: undefined }).some((one) => isRefused(one, input)) ||
      !claimsOf(input).some((one) => isRefused(one, input)),
    broken: (input) => claimsOf(input).length > 0,
    message: (input) =>
      claimsOf(input)
        .map((one) => message(one, input))
        .join('; '),
  }
}

/** Whether it has Pods, or will have some when it wakes. */
const runs = ({ suspend, replicas = 1 }: AnySpec): boolean => !suspend && replicas > 0

function isAsleep({ status }: Parent): boolean {
  const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly Condition[] }
  return conditions.some(({ type, reason }) => type === 'Ready' && reason === 'Idle')
}

function adaptersOf({ adapters = [] }: AnySpec): readonly string[] {
  return adapters.map(({ name }) => name)
}

const artifactsOf = ({ status }: Parent): Artifacts | undefined =>
  (status as { readonly artifacts?: Artifacts } | undefined)?.artifacts

function mayStayInClaim(model: Parent): boolean {
  const artifacts = artifactsOf(model)
  return artifacts?.id === undefined || Boolean(artifacts.url?.startsWith('pvc://'))
}

/** Where the Model is, or certainly will be: an import is packaged only if its spec asks for that. */
function placeOf(model: Parent, config: Config): Artifacts | undefined {
  const artifacts = artifactsOf(model)
  if (artifacts?.id !== undefined) return artifacts
  const { source, package: packaging } = specOf(model)
  const stays = packaging === 'Never' || (source !== undefined && packaging !== 'Always')
  return stays && wantsClaim(model, config) ? { url: `pvc://${claimName(model)}/` } : undefined
}

/** A Model in a claim that this server and others mount. */
interface SharedClaim {
  readonly model: string
  /** Those that sleep come last. */
  readonly others: readonly Parent[]
  readonly wayOut: string
}

function sharedClaims(input: RuleInput, { modelsOf, asked, wayOut }: Mounts): SharedClaim[] {
  const { object, spec, config, nodes, read, servers = [] } = input
  return modelsOf(spec).flatMap((name) => {
    const model = read('Model', name)
    const place = model && placeOf(model, config)
    if (!place) return []
    const mounts = (server: Parent) =>
      modelsOf(specOf(server)).includes(name) &&
      singleNodeClaim(asked(specOf(server)), name, place, withNodes(config, nodes, server))
    if (!mounts(object)) return []
    const others = servers
      .filter((server) => runs(specOf(server)) && mounts(server))
      .toSorted((a, b) => Number(isAsleep(a)) - Number(isAsleep(b)))
    return others.length ? [{ model: name, others, wayOut: wayOut(model) }] : []
  })
}

const isForOnePod = (config: Config): boolean =>
  claimSettings({ kind: 'Model' }, config).accessModes.includes('ReadWriteOncePod')

/** Whether one of the others that are awake can never mount the claim together with this one. */
function isRefused(shared: SharedClaim, input: RuleInput): boolean {
  const others = shared.others.filter((server) => !isAsleep(server))
  return conflictOf({ ...shared, others }, input) !== undefined
}

/** Why one of the others can never mount the claim together with this one. */
function conflictOf({ others }: SharedClaim, { object, config }: RuleInput): string | undefined {
  const [first] = others
  if (first && isForOnePod(config))
    return `which only one Pod can mount at a time (ReadWriteOncePod), and ModelServer "${first.metadata.name}" mounts it${whenAwake([first])}`
  const own = selectionOf(object, config).nodeSelector
  for (const other of others) {
    const theirs = selectionOf(other, config).nodeSelector
    const label = Object.keys(own).find((key) => (theirs[key] ?? own[key]) !== own[key])
    if (label)
      return `which only one node can mount at a time, and ModelServer "${other.metadata.name}", which mounts it too${whenAwake([other])}, selects other nodes: ${label} is ${quoted([theirs[label] ?? ''])} there and ${quoted([own[label] ?? ''])} here`
  }
  return undefined
}

function message(shared: SharedClaim, input: RuleInput): string {
  const { model: name, others, wayOut } = shared
  const claim = claimName({ kind: 'Model', metadata: { name } })
  const is = `Model "${name}" is in claim "${claim}"`
  const conflict = conflictOf(shared, input)
  const run = others.some(isAsleep) ? 'run at the same time' : 'run'
  return conflict
    ? `Invalid value: "${name}": ${is}, ${conflict}: ${wayOut}`
    : `${is}, which only one node can mount at a time, and ${sharers(others)}: they ${run} only while one node has room for all; otherwise ${wayOut}`
}

/** `ModelServer "a" mounts it too, and ModelServer "b" mounts it too when it wakes` */
function sharers(servers: readonly Parent[]): string {
  const groups = [servers.filter((server) => !isAsleep(server)), servers.filter(isAsleep)]
  return groups
    .filter(({ length }) => length)
    .map((group) => `${mounters(group)} it too${whenAwake(group)}`)
    .join(', and ')
}

/** `ModelServer "a" mounts` */
function mounters(servers: readonly Parent[]): string {
  const names = quoted(servers.slice(0, mostNamed).map(({ metadata }) => metadata.name ?? ''))
  const more = servers.length > mostNamed ? ` and ${servers.length - mostNamed} more` : ''
  return servers.length > 1 ? `ModelServers ${names}${more} mount` : `ModelServer ${names} mounts`
}
const mostNamed = 3

/** Of these, either all sleep or none does. */
const whenAwake = ([first, second]: readonly Parent[]): string =>
  first && isAsleep(first) ? ` when ${second ? 'they wake' : 'it wakes'}` : ''
