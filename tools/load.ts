import { mkdirSync } from 'node:fs'
import { bucketEnv, rcloneArgs, rcloneFault } from './bucket.ts'
import { download } from './download.ts'
import { hubArgs, hubFault } from './hub.ts'
import { hashOf, readManifest } from './manifest.ts'
import { type Options, optional, required } from './options.ts'
import { run } from './run.ts'
import { type Source, sourceOf } from './source.ts'
import { tokenFor } from './token.ts'

/**
 * Loads a source into a folder. It resumes an interrupted attempt, and compares the files with the
 * checksums that the source provides.
 */
const loaders: { readonly [K in Source['scheme']]: Loader<Extract<Source, { scheme: K }>> } = {
  https: async (source, into) => {
    const token = tokenFor(new URL(source.url), process.env.HTTP_TOKEN)
    await download({ ...source, token }, into)
  },
  hf: async (source, into, hub) => {
    const { code, output } = await run('python3', hubArgs(source, into, hub))
    if (code !== 0) throw new Error(hubFault(output, source))
  },
  s3: bucket,
  gs: bucket,
}

/** `hub` is the hub's term for the kind of repository: model or dataset. */
type Loader<S> = (source: S, into: string, hub: string) => Promise<void>
type Bucket = Extract<Source, { scheme: 's3' | 'gs' }>

async function bucket(source: Bucket, into: string): Promise<void> {
  const env = bucketEnv(source.scheme, process.env)
  for (const args of rcloneArgs(source, into)) {
    const { code, output } = await run('rclone', args, { env })
    if (code !== 0) throw new Error(rcloneFault(output, source))
  }
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
  await (loaders[source.scheme] as Loader<Source>)(source, into, hub)
  if (optional(options, 'sealed')) await compare(into)
  console.log(`loaded ${source.address}`)
}
