import type { AdapterArgs, Preset } from './config/presets.ts'
import type { Config } from './config.ts'
import type { Build } from './gitbuild.ts'
import { quoted } from './quoted.ts'
import { servesItself, singleNodeClaim } from './serving.ts'
import type { Adapter, Artifacts } from './status.ts'

/** Whether a ModelServer can serve its adapters. Hooks act on it; webhooks refuse what the hooks would. */

interface Server {
  readonly model: { readonly name: string }
  readonly image?: string
  readonly build?: Build
  readonly runtime?: string
  readonly command?: readonly string[]
  readonly replicas?: number
}

/** A Model in spec.adapters: the name of its base, and its result, as far as they are known. */
export interface KnownAdapter {
  readonly name: string
  readonly base: string | undefined
  readonly artifacts: Artifacts | undefined
}

/** The preset that starts the server, with its name; undefined for an image or a command of the user's own. */
export function presetOf(
  spec: Server,
  model: Artifacts | undefined,
  { servers }: Config,
): { readonly name: string; readonly preset: Preset } | undefined {
  if (spec.image || spec.build || spec.command?.length) return undefined
  if (model && servesItself(spec, model)) return undefined
  const name = spec.runtime ?? servers.default
  const preset = Object.hasOwn(servers.presets, name) ? servers.presets[name] : undefined
  return preset && { name, preset }
}

/** The value of `{rank}`: the smallest that the preset allows and that covers every adapter. */
export function rankFor(
  { ranks }: AdapterArgs,
  adapters: readonly Pick<Adapter, 'rank'>[],
): number | undefined {
  const largest = Math.max(1, ...adapters.map(({ rank }) => rank))
  return ranks ? ranks.toSorted((a, b) => a - b).find((rank) => rank >= largest) : largest
}

/**
 * What is wrong with the adapters, in sentences without the field; `model` is absent while the server's
 * Model has no result. Nobody is told about what is not known yet.
 */
export function adapterFaults(
  spec: Server,
  model: Artifacts | undefined,
  adapters: readonly KnownAdapter[],
  config: Config,
): readonly string[] {
  if (!adapters.length) return []
  const known = adapters.flatMap(({ name, artifacts }) => (artifacts ? [{ name, artifacts }] : []))
  return [
    ...adapters.flatMap((adapter) => otherBase(spec, adapter) ?? []),
    ...known.flatMap(({ name, artifacts }) => (artifacts.adapter ? [] : noAdapter(name))),
    // Without its result, nobody knows whether the Model's own image serves.
    ...(model || spec.runtime ? unfitFor(presetOf(spec, model, config), known) : []),
    ...(apart(spec, model, known, config) ?? []),
  ]
}

function otherBase({ model }: Server, { name, base }: KnownAdapter): string | undefined {
  if (base === model.name) return undefined
  const trained = base ? `trained on Model "${base}"` : 'trained on no other Model'
  return `Invalid value: "${name}": Model "${name}" is ${trained}, and this server serves Model "${model.name}": list only adapters of "${model.name}"`
}

const noAdapter = (name: string): string =>
  `Invalid value: "${name}": the result of Model "${name}" is no adapter: it has neither an adapter_config.json with a rank (r) nor a GGUF file of the type adapter, or it was sealed by an earlier version, and a new value of its annotation substratus.ai/rerun makes it again`

interface Known {
  readonly name: string
  readonly artifacts: Artifacts
}

/** What the preset cannot serve. */
function unfitFor(
  found: ReturnType<typeof presetOf>,
  adapters: readonly Known[],
): readonly string[] {
  if (!found) return []
  const { name: runtime, preset } = found
  const { adapterArgs } = preset
  if (!adapterArgs)
    return [
      `Forbidden: preset "${runtime}" serves no adapters: remove them, or use another runtime`,
    ]
  const own = adapters.flatMap(({ name, artifacts: { adapter } }) =>
    adapter ? [{ name, ...adapter }] : [],
  )
  const wrong = own
    .filter(({ format }) => format !== adapterArgs.format)
    .map(
      ({ name, format }) =>
        `Invalid value: "${name}": preset "${runtime}" reads adapters of the format ${adapterArgs.format}, and that of Model "${name}" is ${format}`,
    )
  if (rankFor(adapterArgs, own) !== undefined) return wrong
  const most = Math.max(...(adapterArgs.ranks ?? []))
  const high = own.filter(({ rank }) => rank > most)
  return [
    ...wrong,
    ...high.map(
      ({ name, rank }) =>
        `Invalid value: "${name}": preset "${runtime}" serves ranks up to ${most}, and that of Model "${name}" is ${rank}`,
    ),
  ]
}

/** The Models whose results are in claims that only one node can mount. */
export function singleNodeModels(
  spec: Server,
  model: Artifacts | undefined,
  adapters: readonly Known[],
  config: Config,
): readonly string[] {
  const own = model && singleNodeClaim(spec, spec.model.name, model, config)
  // An adapter is never the server's own image.
  const mounts = { runtime: 'any' }
  const others = adapters.filter(({ name, artifacts }) =>
    singleNodeClaim(mounts, name, artifacts, config),
  )
  return [...(own ? [spec.model.name] : []), ...others.map(({ name }) => name)]
}

/** Claims that are bound one by one may be on nodes or in zones of which none has all. */
function apart(
  spec: Server,
  model: Artifacts | undefined,
  adapters: readonly Known[],
  config: Config,
): readonly string[] | undefined {
  const names = singleNodeModels(spec, model, adapters, config)
  const isSpread = (spec.replicas ?? 1) > 1 && names.some((name) => name !== spec.model.name)
  if (names.length < 2 && !isSpread) return undefined
  const packaged = adapters.filter(
    ({ name, artifacts }) => names.includes(name) && artifacts.inImage,
  )
  const ways = [
    'use a storage class with ReadWriteMany',
    packaged.length
      ? 'use nodes that mount images (imageVolumes)'
      : `set package: Always on ${names.length > 1 ? 'the adapters' : 'the adapter'} and use nodes that mount images (imageVolumes)`,
  ]
  const what = `Models ${quoted(names)} are in ReadWriteOnce claims, which may be on different nodes`
  const message =
    names.length > 1
      ? what
      : `Model ${quoted(names)} is in a ReadWriteOnce claim, which serves one replica`
  return [`Forbidden: ${message}: ${ways.join(', or ')}`]
}

/** The adapters that were trained on another result of the Model than this one: they would load silently. */
export const staleAdapters = (
  model: Artifacts | undefined,
  adapters: readonly KnownAdapter[],
): readonly string[] =>
  adapters
    .filter(
      ({ artifacts }) =>
        model?.id !== undefined &&
        artifacts?.adapter !== undefined &&
        artifacts.adapter.base !== model.id,
    )
    .map(({ name }) => name)
