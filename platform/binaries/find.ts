import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { reasonOf } from '../../cluster/reason.ts'
import { command } from '../command.ts'
import type { Progress } from '../progress.ts'
import { binaryCache } from './cache.ts'
import {
  actionlint,
  type BuildToolName,
  buildTools,
  goArch,
  goOs,
  helm,
  kubernetesVersion,
  kubeStateMetrics,
  kueue,
  type NodeToolName,
  nodeTools,
  olderKubectl,
  type Tool,
  type ToolName,
  tools,
} from './catalog.ts'
import { goBuild, goModule } from './gobuild.ts'
import { downloadRelease } from './releases.ts'

export type Binaries = Readonly<Record<ToolName, string>>
export type NodeBinaries = Readonly<Record<NodeToolName, string>>
export type BuildBinaries = Readonly<Record<BuildToolName, string>>

/** A place to look for binaries. `find` returns a path, or throws an error that says why there is none. */
export interface Place {
  readonly name: string
  readonly find: (tool: Tool) => Promise<string>
}

export interface Lookup {
  readonly progress: Progress
  readonly env?: NodeJS.ProcessEnv
  readonly signal?: AbortSignal
}

/** Takes each binary from the first of KUBEBUILDER_ASSETS, PATH, the cache, a download and a Go build. */
export const findBinaries = (lookup: Lookup): Promise<Binaries> =>
  findIn(placesOf(lookup), tools, lookup.signal)

/** Helm, which a control plane does not need. */
export const findHelm = async (lookup: Lookup): Promise<string> =>
  (await findIn(placesOf(lookup), [helm], lookup.signal)).helm

export const findActionlint = async (lookup: Lookup): Promise<string> =>
  (await findIn(placesOf(lookup), [actionlint], lookup.signal)).actionlint

/** kubectl of the minor before. */
export const findOlderKubectl = async (lookup: Lookup): Promise<string> =>
  Object.values(await findIn(placesOf(lookup), [olderKubectl], lookup.signal))[0] ?? ''

export const findKubeStateMetrics = async (lookup: Lookup): Promise<string> =>
  Object.values(await findIn(placesOf(lookup), [kubeStateMetrics], lookup.signal))[0] ?? ''

/** BuildKit without the rest of a node. */
export const findBuildBinaries = (lookup: Lookup): Promise<BuildBinaries> =>
  findIn(placesOf(lookup), buildTools, lookup.signal)

/** Kueue, and the folder of its Go module, which has its CRDs and webhooks. */
export async function findKueue(lookup: Lookup): Promise<Kueue> {
  const { [kueue.name]: binary = '' } = await findIn(placesOf(lookup), [kueue], lookup.signal)
  return { binary, module: await goModule(kueue, lookup) }
}

export interface Kueue {
  readonly binary: string
  readonly module: string
}

export const findNodeBinaries = (lookup: Lookup): Promise<NodeBinaries> =>
  findIn(placesOf(lookup), nodeTools, lookup.signal)

/** Looks for every tool in each place, in order. One error lists everything that was tried. */
export async function findIn<Name extends string>(
  places: readonly Place[],
  wanted: readonly Tool<Name>[],
  signal?: AbortSignal,
): Promise<Readonly<Record<Name, string>>> {
  const found: Partial<Record<Name, string>> = {}
  const missing: string[] = []
  for (const tool of wanted) {
    const tried: string[] = []
    for (const place of places) {
      signal?.throwIfAborted()
      try {
        found[tool.name] = await place.find(tool)
        break
      } catch (error) {
        tried.push(`    ${place.name}: ${reasonOf(error)}`)
      }
    }
    if (!found[tool.name]) missing.push(`  ${tool.name}`, ...tried)
  }
  signal?.throwIfAborted()
  if (missing.length) throw new Error(notFound(missing))
  return found as Record<Name, string>
}

const notFound = (lines: readonly string[]): string =>
  [
    `not every binary of Kubernetes ${kubernetesVersion} was found. What was tried:`,
    ...lines,
    'put them into a folder that KUBEBUILDER_ASSETS names, or install Go 1.26 so that they can be built',
  ].join('\n')

function placesOf({ progress, env = process.env, signal }: Lookup): readonly Place[] {
  const cache = binaryCache(env)
  const inCache = (tool: Tool) => join(cache, tool.name)
  const mirror = env.SUBSTRATUS_RELEASES
  return [
    {
      name: 'KUBEBUILDER_ASSETS',
      find: (tool) =>
        env.KUBEBUILDER_ASSETS
          ? suited(tool, join(env.KUBEBUILDER_ASSETS, tool.name))
          : Promise.reject(new Error('it is not set')),
    },
    { name: 'PATH', find: async (tool) => suited(tool, await onPath(tool.name, env)) },
    { name: 'the cache', find: (tool) => suited(tool, inCache(tool)) },
    {
      name: 'a download',
      find: async (tool) => {
        const release = tool.release(goOs(), goArch())
        if (!release) throw new Error(`none is published for ${goOs()}`)
        progress(`downloading ${tool.name} from ${release.url}`)
        await downloadRelease(release, inCache(tool), {
          progress,
          ...(mirror && { mirror }),
          ...(signal && { signal }),
        })
        return suited(tool, inCache(tool))
      },
    },
    {
      name: 'a Go build',
      find: async (tool) => {
        await goBuild(tool, inCache(tool), { progress, env, ...(signal && { signal }) })
        return suited(tool, inCache(tool))
      },
    },
  ]
}

/** A binary's path on PATH; throws if there is none. */
export async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<string> {
  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, name)
    if (await executable(path)) return path
  }
  throw new Error('it is in none of its folders')
}

const executable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

/** The path of a binary, if it reports a suitable version. */
async function suited(tool: Tool, path: string): Promise<string> {
  if (!(await executable(path))) throw new Error(`${path} does not exist`)
  const output = await command(path, tool.versionArgs, { timeoutMs: 10_000 }).catch((error) => {
    throw new Error(`${path} does not run: ${reasonOf(error)}`)
  })
  const wrong = tool.unfit(output)
  if (wrong) throw new Error(`${path}: ${wrong}`)
  return path
}
