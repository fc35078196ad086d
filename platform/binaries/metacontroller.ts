import { join } from 'node:path'
import { reasonOf } from '../../cluster/reason.ts'
import { released } from '../../metacontroller/release.ts'
import { command } from '../command.ts'
import type { Progress } from '../progress.ts'
import { imageCache } from './cache.ts'
import { onPath } from './find.ts'
import { extractFromImage } from './fromimage.ts'

const publishedImage = `${released.repository}:${released.tag}`

interface Lookup {
  readonly progress: Progress
  readonly env?: NodeJS.ProcessEnv
  readonly signal?: AbortSignal
}

/**
 * Metacontroller from the first of METACONTROLLER_BIN, PATH, the cache and its published image that
 * runs. If none does, the result is `undefined`, and `progress` receives the reasons. A
 * METACONTROLLER_BIN that does not run is an error.
 */
export async function findMetacontroller({
  progress,
  env = process.env,
  signal,
}: Lookup): Promise<string | undefined> {
  if (env.METACONTROLLER_BIN) return running(env.METACONTROLLER_BIN)
  const image = env.SUBSTRATUS_METACONTROLLER_IMAGE ?? publishedImage
  const cached = join(imageCache(env, image), 'metacontroller')
  const tried: string[] = []
  const places: readonly (readonly [string, () => Promise<string>])[] = [
    ['PATH', async () => running(await onPath('metacontroller', env))],
    ['the cache', () => running(cached)],
    [
      `the image ${image}`,
      async () => {
        progress(`taking metacontroller out of ${image}`)
        const how = { progress, ...(signal && { signal }) }
        return running(await extractFromImage(image, 'metacontroller', cached, how))
      },
    ],
  ]
  for (const [name, find] of places) {
    signal?.throwIfAborted()
    try {
      return await find()
    } catch (error) {
      tried.push(`  ${name}: ${reasonOf(error)}`)
    }
  }
  signal?.throwIfAborted()
  progress(['no metacontroller was found. What was tried:', ...tried].join('\n'))
  return undefined
}

/** Its --help lists its flags. A binary for another system does not run at all. */
async function running(path: string): Promise<string> {
  try {
    await command('/bin/sh', ['-c', '"$0" --help 2>&1 | grep -q -- -client-go-qps', path], {
      timeoutMs: 10_000,
    })
    return path
  } catch {
    throw new Error(`${path} does not exist, or is no metacontroller that runs here`)
  }
}
