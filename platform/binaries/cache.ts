import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { kubernetesVersion } from './catalog.ts'

type Env = Readonly<Record<string, string | undefined>>

const cacheOf = (env: Env): string =>
  env.SUBSTRATUS_CACHE ??
  join(env.XDG_CACHE_HOME ?? join(env.HOME ?? homedir(), '.cache'), 'substratus')

/** Binaries are cached between runs, in a folder per Kubernetes version. */
export const binaryCache = (env: Env): string =>
  join(cacheOf(env), `k8s-${kubernetesVersion}`, 'bin')

/** The images of a real node. */
export const nodeCache = (env: Env): string => join(cacheOf(env), 'node')

/** Metacontroller, by the image that it was extracted from. */
export const imageCache = (env: Env, reference: string): string =>
  join(cacheOf(env), 'metacontroller', reference.replace(/[^A-Za-z0-9.-]+/g, '_'))

let serial = 0

/**
 * Writes a binary under a temporary name and renames it, so that no process ever finds a part of one.
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
