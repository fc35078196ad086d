import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeCgroups } from './cgroups.ts'
import { removeNetwork, run } from './network.ts'

export const folderOf = (dir: string): string => join(dir, 'node')

/** Written outside of every folder, for the bridges and the cgroup are the machine's. */
const ownerFile = '/run/substratus-node'

/** The state folder whose node this machine has, or had. */
export const owner = (): string | undefined =>
  existsSync(ownerFile) ? readFileSync(ownerFile, 'utf8') : undefined

export const own = (dir: string): void => writeFileSync(ownerFile, dir)

/**
 * Ends all that the node of a folder has left: containers by their cgroup, what watches them by its
 * words, then mounts, bridges and rules. Its processes of run/ have ended before.
 */
export async function cleanNode(dir: string): Promise<void> {
  const folder = folderOf(dir)
  const isOwner = owner() === dir
  if (!existsSync(folder) && !isOwner) return
  for (const pid of pidsWith(folder)) killQuietly(pid)
  if (isOwner) {
    await removeCgroups()
    await removeRules(folder)
    await removeNetwork(folder)
  }
  await unmountBelow(folder)
  removeLogLinks(folder)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  if (isOwner) rmSync(ownerFile, { force: true })
}

/** Processes that name the folder in their words: shims are children of init, and in no record. */
export function pidsWith(folder: string): readonly number[] {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  return pids.filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return pid !== process.pid && words.some((word) => word.includes(`${folder}/`))
    } catch {
      return false
    }
  })
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** kube-proxy's chains stay when it ends, and would send Service addresses astray. */
async function removeRules(folder: string): Promise<void> {
  const file = join(folder, 'kube-proxy')
  const words = existsSync(file) ? readFileSync(file, 'utf8') : 'kube-proxy'
  await run(words, '--cleanup').catch(() => {})
}

async function unmountBelow(folder: string): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const points = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1]?.replaceAll('\\040', ' ') ?? '')
      .filter((point) => point.startsWith(`${folder}/`))
      .sort()
      .reverse()
    if (!points.length) return
    for (const point of points) await run('umount', '-l', point).catch(() => {})
    await sleep(50)
  }
}

/** The kubelet links every log there, whatever its own folder is. */
function removeLogLinks(folder: string): void {
  const links = '/var/log/containers'
  if (!existsSync(links)) return
  for (const name of readdirSync(links)) {
    const path = join(links, name)
    try {
      if (readlinkSync(path).startsWith(`${folder}/`)) rmSync(path)
    } catch {
      // No link, or another's.
    }
  }
}
