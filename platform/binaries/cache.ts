import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { kubernetesVersion } from './catalog.ts'

type Env = Readonly<Record<string, string | undefined>>

const cacheOf = (env: Env): string =>
  env.SUBSTRATUS_CACHE ??
  join(env.XDG_CACHE_HOME ?? join(env.HOME ?? homedir(), '.cache'), 'substratus')

/** Where binaries are kept between runs; a folder per Kubernetes version. */
export const binaryCache = (env: Env): string =>
  join(cacheOf(env), `k8s-${kubernetesVersion}`, 'bin')

/** Where the images of a real node are kept. */
export const nodeCache = (env: Env): string => join(cacheOf(env), 'node')

/** Where Metacontroller is kept, by the name of the image it was taken from. */
export const imageCache = (env: Env, reference: string): string =>
  join(cacheOf(env), 'metacontroller', reference.replace(/[^A-Za-z0-9.-]+/g, '_'))

let serial = 0

/**
 * Makes a binary under a temporary name and renames it, so that whoever looks at the same time,
 * in this process or another, sees the whole binary or none.
 */
export async function placed(path: string, make: (temporary: string) => Promise<void>) {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}-${serial++}`
  try {
    await make(temporary)
    await chmod(temporary, 0o755)
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  return path
}
