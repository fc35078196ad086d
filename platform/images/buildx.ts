import { spawnSync } from 'node:child_process'
import { command } from '../command.ts'
import type { Build } from './buildkit.ts'

/** The user's builder, or one of our own: Docker's default often builds for one platform only. */
const ownBuilder = 'substratus'
const builder = process.env.BUILDX_BUILDER || ownBuilder

const succeeds = (...args: readonly string[]): boolean =>
  spawnSync('docker', args, { stdio: 'ignore' }).status === 0

/** Whether this machine has docker buildx, and an engine that answers. */
export const hasBuildx = (): boolean =>
  succeeds('buildx', 'version') && succeeds('version', '--format', '{{.Server.Version}}')

/** docker's arguments for one image. */
export const buildxArgs = ({ context, target, image, args, platforms, insecure }: Build) => [
  ...['buildx', 'build', `--builder=${builder}`, `--target=${target}`],
  ...(platforms ? [`--platform=${platforms.join()}`] : []),
  ...Object.entries(args).map(([key, value]) => `--build-arg=${key}=${value}`),
  image
    ? `--output=type=image,name=${image},push=true${insecure ? ',registry.insecure=true' : ''}`
    : '--output=type=cacheonly',
  context,
]

/** Runs docker in the foreground: it shows its own progress. */
function docker(...args: readonly string[]): void {
  const { status, error } = spawnSync('docker', args, { stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) throw new Error(`docker ${args.slice(0, 2).join(' ')} ended with ${status}`)
}

export async function withBuildx(
  work: (build: (one: Build) => Promise<void>) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  if (builder === ownBuilder && !succeeds('buildx', 'inspect', builder))
    docker('buildx', 'create', `--name=${builder}`, '--driver=docker-container')
  await work(async (one) => {
    const { onLine } = one
    if (!onLine) return docker(...buildxArgs(one))
    const args = [...buildxArgs(one), '--progress=plain']
    await command('docker', args, { onLine, ...(signal && { signal }) })
  })
}
