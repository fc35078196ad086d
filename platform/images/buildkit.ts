import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { daemonConfig, rootless, withBuildkitd } from '../../tools/buildkitd.ts'
import type { BuildBinaries } from '../binaries/find.ts'
import { command } from '../command.ts'
import { programPath } from '../node/requirements.ts'
import type { probeStage, Target } from './targets.ts'

interface Builder {
  readonly binaries: BuildBinaries
  /** For its state, which is removed afterwards. */
  readonly folder: string
  /** A registry that speaks plain HTTP. */
  readonly insecure?: string
  readonly signal?: AbortSignal
}

export interface Build {
  /** The context, which has the Dockerfile. */
  readonly context: string
  readonly target: Target | typeof probeStage
  /** The image to push; without it, nothing is exported. */
  readonly image?: string
  /** Build arguments. */
  readonly args: Readonly<Record<string, string>>
  /** Whether the registry speaks plain HTTP. */
  readonly insecure?: boolean
  /** linux/amd64; by default this machine's. */
  readonly platforms?: readonly string[]
  /** Called with each line of BuildKit's progress. */
  readonly onLine?: (line: string) => void
}

const env = { ...process.env, PATH: programPath() }

/** buildctl's arguments for one image. */
export const buildctlArgs = ({ context, target, image, args, platforms }: Build) => [
  ...['build', '--progress=plain', '--frontend=dockerfile.v0'],
  ...[`--local=context=${context}`, `--local=dockerfile=${context}`, `--opt=target=${target}`],
  ...(platforms ? [`--opt=platform=${platforms.join()}`] : []),
  ...Object.entries(args).map(([name, value]) => `--opt=build-arg:${name}=${value}`),
  ...(image ? [`--output=type=image,name=${image},push=true,oci-mediatypes=true`] : []),
]

/** Runs BuildKit on this machine while `work` builds with it: rootless, except for root. */
export async function withBuilder(
  { binaries, folder, insecure, signal }: Builder,
  work: (build: (one: Build) => Promise<void>) => Promise<void>,
): Promise<void> {
  const home = join(folder, 'buildkit')
  mkdirSync(home, { recursive: true })
  const [rootlesskit, buildkitd, ...flags] = rootless
  const isRoot = process.getuid?.() === 0
  const daemon = {
    command: isRoot
      ? ([binaries.buildkitd, '--oci-worker-binary=runc'] as const)
      : ([
          binaries[rootlesskit],
          binaries[buildkitd],
          ...flags,
          '--oci-worker-binary=runc',
        ] as const),
    buildctl: binaries.buildctl,
    home,
    runtime: folder,
    config: insecure ? daemonConfig(insecure, true) : '',
    // Outside a login session there is none, and buildkitd would write to /run.
    env: { ...env, ...(!isRoot && { XDG_RUNTIME_DIR: folder }) },
  }
  try {
    await withBuildkitd(daemon, (address) =>
      work(async (one) => {
        const args = [`--addr=${address}`, ...buildctlArgs(one)]
        const { onLine } = one
        await command(binaries.buildctl, args, {
          env,
          ...(signal && { signal }),
          ...(onLine && { onLine }),
        })
      }),
    )
  } finally {
    // What the builds have written belongs to the user's subordinate ids, if they were rootless.
    const remove = 'umount -R "$1/buildkit" 2>/dev/null; rm -rf "$1"'
    const shell = ['/bin/sh', '-c', remove, 'sh', home] as const
    await (isRoot ? command(shell[0], shell.slice(1)) : command(binaries.rootlesskit, shell))
  }
}
