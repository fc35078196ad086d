import { claimSettings, wantsClaim } from '../../crds/claims.ts'
import type { Config } from '../../crds/config.ts'
import { selectionOf, withNodes } from '../../crds/imagevolumes.ts'
import type { Parent } from '../../crds/kind.ts'
import { claimName } from '../../crds/names.ts'
import { quoted } from '../../crds/quoted.ts'
import { type AnySpec, type Rule, type RuleInput, specOf } from '../../crds/rule.ts'
import { singleNodeClaim } from '../../crds/serving.ts'
import type { Artifacts } from '../../crds/status.ts'

/** Several ModelServers that mount one claim, which only one node can mount at a time. */
export const sharedClaimRules: readonly Rule[] = [
  {
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
    warns: (input) => conflictOf(input) === undefined || !isCertain(input),
    broken: (input) => othersOf(input).length > 0,
    message,
  },
]

const runs = ({ suspend, replicas = 1 }: AnySpec): boolean => !suspend && replicas > 0

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

/** The other servers that mount the claim which this one mounts. */
function othersOf({ object, spec, config, nodes, read, servers = [] }: RuleInput) {
  const name = spec.model?.name ?? ''
  const model = read('Model', name)
  const place = model && placeOf(model, config)
  const mounts = (server: Parent) =>
    place &&
    singleNodeClaim(specOf(server), name, place, withNodes(config, nodes, server)) !== undefined
  if (!mounts(object)) return []
  return servers.filter((server) => {
    const other = specOf(server)
    return runs(other) && other.model?.name === name && mounts(server)
  })
}

/** The Pods of the others may mount the image, as their nodes could when they were created. */
const isCertain = (input: RuleInput): boolean => othersOf({ ...input, nodes: undefined }).length > 0

const isForOnePod = (config: Config): boolean =>
  claimSettings({ kind: 'Model' }, config).accessModes.includes('ReadWriteOncePod')

/** Why one of the others can never mount the claim together with this one. */
function conflictOf(input: RuleInput): string | undefined {
  const { object, config } = input
  const others = othersOf(input)
  const [first] = others
  if (first && isForOnePod(config))
    return `which only one Pod can mount at a time (ReadWriteOncePod), and ModelServer "${first.metadata.name}" mounts it`
  const own = selectionOf(object, config).nodeSelector
  for (const other of others) {
    const theirs = selectionOf(other, config).nodeSelector
    const label = Object.keys(own).find((key) => (theirs[key] ?? own[key]) !== own[key])
    if (label)
      return `which only one node can mount at a time, and ModelServer "${other.metadata.name}", which mounts it too, selects other nodes: ${label} is ${quoted([theirs[label] ?? ''])} there and ${quoted([own[label] ?? ''])} here`
  }
  return undefined
}

function message(input: RuleInput): string {
  const name = input.spec.model?.name ?? ''
  const claim = claimName({ kind: 'Model', metadata: { name } })
  const is = `Model "${name}" is in claim "${claim}"`
  const wayOut = 'set package: Always on the Model, or use a storage class with ReadWriteMany'
  const conflict = conflictOf(input)
  return conflict
    ? `Invalid value: "${name}": ${is}, ${conflict}: ${wayOut}`
    : `${is}, which only one node can mount at a time, and ${sharers(othersOf(input))} it too: they run only while one node has room for all; otherwise ${wayOut}`
}

/** `ModelServer "a" mounts` */
function sharers(servers: readonly Parent[]): string {
  const names = quoted(servers.slice(0, mostNamed).map(({ metadata }) => metadata.name ?? ''))
  const more = servers.length > mostNamed ? ` and ${servers.length - mostNamed} more` : ''
  return servers.length > 1 ? `ModelServers ${names}${more} mount` : `ModelServer ${names} mounts`
}
const mostNamed = 3
