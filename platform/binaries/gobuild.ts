import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from '../command.ts'
import type { Progress } from '../progress.ts'
import { placed } from './cache.ts'
import type { Tool } from './catalog.ts'

interface Building {
  readonly progress: Progress
  readonly env: NodeJS.ProcessEnv
  readonly signal?: AbortSignal
}

/** One build at a time in this process: a Kubernetes binary takes 2 GB of memory. */
let queue: Promise<unknown> = Promise.resolve()

/** Builds a binary from the Go module proxy, in a temporary module. */
export function goBuild(tool: Tool, path: string, how: Building): Promise<string> {
  const mine = queue.then(() => build(tool, path, how))
  queue = mine.catch(() => {})
  return mine
}

async function build(tool: Tool, path: string, how: Building): Promise<string> {
  const module = await mkdtemp(join(tmpdir(), 'substratus-go-'))
  const env = { ...how.env, GOFLAGS: '-mod=mod', CGO_ENABLED: '0', GOWORK: 'off' }
  const go = (...args: readonly string[]) =>
    command('go', args, { cwd: module, env, ...(how.signal && { signal: how.signal }) })
  const started = Date.now()
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`
  const beat = setInterval(() => how.progress(`  ${tool.name}: ${seconds()} …`), 20_000)
  try {
    how.progress(`building ${tool.name} ${tool.go.version} with Go (once; this takes minutes)`)
    await writeFile(join(module, 'go.mod'), await moduleFile(tool, go))
    await go('get', `${tool.go.module}@${tool.go.version}`)
    const flags = `-s -w ${versionFlags(tool)}`
    await placed(path, async (temporary) => {
      await go('build', '-trimpath', '-ldflags', flags, '-o', temporary, tool.go.package)
    })
    how.progress(`built ${tool.name} in ${seconds()}`)
    return path
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error('go is not on PATH')
    throw error
  } finally {
    clearInterval(beat)
    await rm(module, { recursive: true, force: true })
  }
}

/** The folder of a tool's module in Go's cache, downloaded if it is not there. */
export async function goModule(
  { go: { module, version } }: Tool,
  { env = process.env, signal }: Partial<Building>,
): Promise<string> {
  const options = { cwd: tmpdir(), env: { ...env, GOWORK: 'off' }, ...(signal && { signal }) }
  const downloaded = await command(
    'go',
    ['mod', 'download', '-json', `${module}@${version}`],
    options,
  )
  return (JSON.parse(downloaded) as { Dir: string }).Dir
}

async function moduleFile(tool: Tool, go: (...args: string[]) => Promise<string>) {
  const name = `module substratus.ai/local/${tool.name}\n`
  if (tool.go.module !== 'k8s.io/kubernetes') return name
  const downloaded = await go('mod', 'download', '-json', `${tool.go.module}@${tool.go.version}`)
  const { GoMod } = JSON.parse(downloaded) as { GoMod: string }
  return kubernetesModule(name, await readFile(GoMod, 'utf8'), tool.go.version)
}

/**
 * k8s.io/kubernetes replaces its staging modules by folders of its repository. Outside the repository
 * they are published separately, as v0.x for Kubernetes v1.x.
 */
export function kubernetesModule(name: string, upstream: string, version: string): string {
  const twin = version.replace(/^v1\./, 'v0.')
  const staged = [
    ...upstream.matchAll(/^\s*(?:replace\s+)?(k8s\.io\/[a-z0-9-]+) => \.\/staging\//gm),
  ]
  return [
    name,
    /^go .*$/m.exec(upstream)?.[0] ?? '',
    /^godebug (\([\s\S]*?^\)|.*$)/m.exec(upstream)?.[0] ?? '',
    `require k8s.io/kubernetes ${version}`,
    ...staged.map(([, module]) => `replace ${module} => ${module} ${twin}`),
    '',
  ].join('\n')
}

/** Without them the binaries report v0.0.0. */
const versionFlags = ({ go: { module, version, stamp } }: Tool): string => {
  if (stamp) return `-X ${stamp}=${version}`
  if (module !== 'k8s.io/kubernetes') return ''
  const [major, minor] = version.slice(1).split('.')
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .map((p) => `-X ${p}.gitVersion=${version} -X ${p}.gitMajor=${major} -X ${p}.gitMinor=${minor}`)
    .join(' ')
}
