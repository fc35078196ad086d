import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeCgroups } from './cgroups.ts'
import { removeNetwork, run } from './network.ts'

export const folderOf = (dir: string): string => join(dir, 'node')

/** Outside the state folders, because bridges and the cgroup exist once per machine. */
const ownerFile = '/run/substratus-node'

/** The state folder of the node that this machine runs, or ran. */
export const owner = (): string | undefined =>
  existsSync(ownerFile) ? readFileSync(ownerFile, 'utf8') : undefined

export const own = (dir: string): void => writeFileSync(ownerFile, dir)

/**
 * Removes whatever the node of a folder left behind: containers, which are found by their cgroup, their
 * shims, which are found by their arguments, then mounts, bridges and rules. The processes that run/
 * records must have been stopped before.
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

/** Processes with the folder in their arguments: shims are children of init, and are not recorded. */
export function pidsWith(folder: string): readonly number[] {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  return pids.filter((pid) => {
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return pid !== process.pid && args.some((arg) => arg.includes(`${folder}/`))
    } catch {
      return false
    }
  })
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has already ended.
  }
}

/** kube-proxy leaves its iptables chains behind, which would misroute Service addresses. */
async function removeRules(folder: string): Promise<void> {
  const file = join(folder, 'kube-proxy')
  const binary = existsSync(file) ? readFileSync(file, 'utf8') : 'kube-proxy'
  await run(binary, '--cleanup').catch(() => {})
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

/** The kubelet always links logs from /var/log/containers, whatever its own folder is. */
function removeLogLinks(folder: string): void {
  const links = '/var/log/containers'
  if (!existsSync(links)) return
  for (const name of readdirSync(links)) {
    const path = join(links, name)
    try {
      if (readlinkSync(path).startsWith(`${folder}/`)) rmSync(path)
    } catch {
      // Not a link, or no longer there.
    }
  }
}
