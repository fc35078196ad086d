import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { daemonConfig, rootless, withBuildkitd } from './buildkitd.ts'
import { writeMerged } from './credentials.ts'
import { trusted } from './gitaccess.ts'
import { proxyEnv, untrustedBy } from './network.ts'
import { type Options, optional, required } from './options.ts'
import { buildSteps, reportProgress } from './progress.ts'
import { referenceOf } from './registry.ts'
import { report } from './report.ts'
import { lastLines, run } from './run.ts'

/**
 * Builds an image from a Dockerfile and pushes it. BuildKit runs rootless, without privileges. Images
 * that are already in the registry are never reused: anyone with the same push credentials may have
 * pushed them, under any tag and with any label.
 */

const labels = {
  source: 'org.opencontainers.image.source',
  revision: 'org.opencontainers.image.revision',
  createdBy: 'ai.substratus.created-by',
} as const

interface Source {
  readonly url: string
  readonly commit: string
}

async function sourceIn(context: string): Promise<Source> {
  const git = async (...args: readonly string[]) => {
    const { code, stdout, output } = await run('git', [...trusted, '-C', context, ...args], {
      show: false,
    })
    if (code !== 0) throw new Error(`${context} is no clone: ${lastLines(output, 1)}`)
    return stdout.trim()
  }
  return { url: await git('remote', 'get-url', 'origin'), commit: await git('rev-parse', 'HEAD') }
}

const isIn = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(`${folder}${sep}`)

/** Resolves the links of a path in the clone; undefined if the path does not exist. */
function resolved(clone: string, path: string): string | undefined {
  let found: string
  try {
    found = realpathSync(join(clone, path))
  } catch {
    return undefined
  }
  if (isIn(clone, found)) return found
  throw new Error(
    `"${path}" leads out of the repository, to ${found}: only files of the repository are built; replace the link or the ".." with files in it`,
  )
}

/**
 * Finds the folder and the Dockerfile; the error names what the repository lacks. BuildKit resolves links inside
 * the folder only within the folder, but the folder's own path may be a link to anywhere.
 */
export function dockerfileIn(context: string, path = '.', dockerfile = 'Dockerfile') {
  const clone = realpathSync(context)
  const folder = resolved(clone, path)
  if (!folder || !statSync(folder).isDirectory())
    throw new Error(`the repository has no folder "${path}"`)
  const file = resolved(clone, join(path, dockerfile))
  if (!file || !statSync(file).isFile())
    throw new Error(
      `the repository has no "${join(path, dockerfile)}": set build.git.path or build.dockerfile`,
    )
  return { folder, dockerfile: file }
}

interface Wanted {
  readonly folder: string
  readonly dockerfile: string
  readonly target: string | undefined
  readonly args: readonly string[]
  /** Dockerfiles accept these arguments without ARG, and no layer stores them. */
  readonly proxies: Readonly<Record<string, string>>
  readonly image: string
  readonly source: Source
  readonly metadata: string
  /** Whether layers of earlier builds are read from the registry, and stored there for later ones. */
  readonly cached: boolean
}

/** The proxies for the steps: BuildKit itself, which has the push credentials, uses no user's proxy. */
export const stepProxies = (env: Readonly<Record<string, string | undefined>>) =>
  proxyEnv(
    Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) =>
        name.startsWith('STEP_') ? [[name.slice('STEP_'.length), value]] : [],
      ),
    ),
  )

/** BuildKit accepts a proxy in upper and lower case, so an argument in build.args replaces both. */
const isGiven = (proxy: string, args: readonly string[]): boolean =>
  args.some((arg) => arg.split('=')[0]?.toLowerCase() === proxy.toLowerCase())

/** buildctl's arguments: the image with its labels and, if `cached`, a cache next to it. */
export function buildctlArgs(wanted: Wanted): readonly string[] {
  const { folder, dockerfile, target, args, proxies, image, source, metadata, cached } = wanted
  const cache = `${image.replace(/:[^:/]+$/, '')}:cache`
  const opts = [
    `filename=${dockerfile.split('/').at(-1)}`,
    ...(target ? [`target=${target}`] : []),
    ...Object.entries(proxies)
      .filter(([name]) => !isGiven(name, args))
      .map(([name, value]) => `build-arg:${name}=${value}`),
    ...args.map((arg) => `build-arg:${arg}`),
    `label:${labels.source}=${source.url}`,
    `label:${labels.revision}=${source.commit}`,
    `label:${labels.createdBy}=substratus build`,
  ]
  return [
    'build',
    '--progress=plain',
    '--frontend=dockerfile.v0',
    `--local=context=${folder}`,
    `--local=dockerfile=${dirname(dockerfile)}`,
    ...opts.map((opt) => `--opt=${opt}`),
    `--output=type=image,name=${image},push=true,oci-mediatypes=true`,
    ...(cached
      ? [
          `--import-cache=type=registry,ref=${cache}`,
          // The build must not fail because a registry accepts no caches.
          `--export-cache=type=registry,ref=${cache},mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true`,
        ]
      : []),
    `--metadata-file=${metadata}`,
  ]
}

const withRemedy = (words: string): string =>
  /x509: |tls: failed to verify/.test(words)
    ? `${words}: ${untrustedBy('builder.env of the configuration')}`
    : words

/** Extracts from BuildKit's plain progress the step that failed, its last lines and its exit code. */
export function buildFault(output: string, image: string): string {
  const lines = output.split('\n').map((line) => line.trimEnd())
  const error = lines.findLast((line) => /^(error|ERROR): /.test(line)) ?? lastLines(output, 1)
  const words = withRemedy(error.replace(/^error: (failed to solve: )?/i, ''))
  const pushed = /failed to push ([^:\s]+(?::\d+)?[^:\s]*(?::[^:\s]+)?): (.*)/.exec(words)
  if (pushed) return `cannot push ${image}: ${pushed[2]}`
  const exit = /did not complete successfully: (exit code: \d+|.*)$/.exec(words)?.[1]
  if (!exit) return `the build failed: ${words}`
  const [, step = '', name = ''] =
    lines
      .map((line) => /^#(\d+) (\[.*)$/.exec(line))
      .findLast((found) => {
        const failed = lines.find((line) => new RegExp(`^#${found?.[1]} ERROR: `).test(line))
        return found && failed
      }) ?? []
  const lastOutput = lines
    .filter((line) => line.startsWith(`#${step} `))
    .map((line) => /^#\d+ \d+\.\d+ (.*)$/.exec(line)?.[1]?.trim())
    .filter(Boolean)
    .slice(-2)
  const what = name.replace(/^\[[^\]]*\] /, '')
  return [...lastOutput, `the step "${what}" failed with ${exit.replace('exit code: ', '')}`].join(
    '\n',
  )
}

export async function main(options: Options): Promise<void> {
  const context = required(options, 'context')
  const image = required(options, 'image')
  const insecure = process.env.REGISTRY_INSECURE === 'true'
  const source = await sourceIn(context)
  const found = dockerfileIn(context, optional(options, 'path'), optional(options, 'dockerfile'))

  const { host } = referenceOf(image)
  const home = process.env.HOME ?? '/home/build'
  const metadata = join(home, 'metadata.json')
  const daemon = {
    command: rootless,
    buildctl: 'buildctl',
    home,
    runtime: process.env.XDG_RUNTIME_DIR ?? '/run/user/1000',
    config: daemonConfig(host, insecure),
  }
  await withBuildkitd(daemon, async (address) => {
    const args = buildctlArgs({
      ...found,
      target: optional(options, 'target'),
      args: options['build-arg'] ?? [],
      proxies: stepProxies(process.env),
      image,
      source,
      metadata,
      cached: optional(options, 'cache') === 'true',
    })
    // buildctl gives the daemon the credentials that it requests, by the host of each image.
    const env = { DOCKER_CONFIG: writeMerged(process.env) }
    const steps = buildSteps()
    const heard = (text: string) => {
      const amount = steps(text)
      if (amount) reportProgress(amount)
    }
    const { code, output } = await run('buildctl', [`--addr=${address}`, ...args], { env, heard })
    if (code !== 0) throw new Error(buildFault(output, image))
  })
  const digest = JSON.parse(readFileSync(metadata, 'utf8'))['containerimage.digest']
  report({ digest, commit: source.commit })
}
