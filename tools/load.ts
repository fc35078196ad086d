import { mkdirSync } from 'node:fs'
import { bucketEnv, countArgs, rcloneArgs, rcloneFault } from './bucket.ts'
import { download, downloadDefaults } from './download.ts'
import { chosenIn } from './globs.ts'
import { hubArgs, hubFault, type Omitted, omittedIn } from './hub.ts'
import { hashOf, readManifest } from './manifest.ts'
import { type Options, optional, required } from './options.ts'
import { reportProgress, reportRclone } from './progress.ts'
import { report } from './report.ts'
import { run } from './run.ts'
import { sealAndReport } from './seal.ts'
import { type Source, sourceOf } from './source.ts'
import { tokenFor } from './token.ts'

/**
 * Loads a source into a folder. It resumes an interrupted attempt, and compares the files with the
 * checksums that the source provides. With `--storage`, it seals what it has loaded.
 */
const loaders: { readonly [K in Source['scheme']]: Loader<Extract<Source, { scheme: K }>> } = {
  https: async (source, { into }) => {
    const token = tokenFor(new URL(source.url), process.env.HTTP_TOKEN)
    const arrived = (step: number, of: number | undefined) => reportProgress({ step, of })
    await download({ ...source, token }, into, { ...downloadDefaults, arrived })
    return undefined
  },
  hf: async (source, { into, hub, files }) => {
    const { code, output, stdout } = await run('python3', hubArgs(source, into, hub, files))
    if (code !== 0) throw new Error(hubFault(output, source))
    return omittedIn(stdout)
  },
  s3: bucket,
  gs: bucket,
}

interface Wanted {
  readonly into: string
  /** The hub's term for the kind of repository: model or dataset. */
  readonly hub: string
  /** The patterns of spec.files. */
  readonly files: readonly string[]
}

/** Returns what was left out, if that was the loader's decision. */
type Loader<S> = (source: S, wanted: Wanted) => Promise<Omitted | undefined>
type Bucket = Extract<Source, { scheme: 's3' | 'gs' }>

async function bucket(source: Bucket, { into, files }: Wanted): Promise<undefined> {
  const rclone = async (args: readonly string[]) => {
    const env = bucketEnv(source.scheme, process.env)
    const { code, output, stdout } = await run('rclone', args, { env, heard: reportRclone })
    if (code !== 0) throw new Error(rcloneFault(output, source))
    return stdout
  }
  const count = async (patterns: readonly string[]): Promise<number> =>
    JSON.parse(await rclone(countArgs(source, patterns))).count
  for (const pattern of chosenIn(files))
    if (!(await count([pattern])))
      throw new Error(`spec.files: no file of ${source.address} matches "${pattern}"`)
  if (files.length && !(await count(files)))
    throw new Error(`spec.files: every file of ${source.address} is excluded`)
  for (const args of rcloneArgs(source, into, files)) await rclone(args)
}

/** Verifies artifacts that were sealed elsewhere: every file must match its manifest. */
export async function compare(folder: string): Promise<void> {
  const { files } = await readManifest(folder)
  for (const file of files) {
    if ('link' in file) continue
    const found = await hashOf(folder, file.path).catch(() => 'missing')
    if (found !== file.sha256)
      throw new Error(`${file.path} is not what was sealed: the storage has lost or changed data`)
  }
}

export async function main(options: Options): Promise<void> {
  const source = sourceOf(required(options, 'source'))
  const into = required(options, 'into')
  mkdirSync(into, { recursive: true })
  const hub = optional(options, 'hub') ?? 'model'
  const wanted = { into, hub, files: options.files ?? [] }
  const omitted = await (loaders[source.scheme] as Loader<Source>)(source, wanted)
  if (optional(options, 'sealed')) await compare(into)
  console.log(`loaded ${source.address}`)
  const more = omitted ? { omitted } : {}
  if (optional(options, 'storage')) await sealAndReport(options, more)
  else if (omitted) report(more)
}
