import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** All containers of the node are below one cgroup, so that none is left behind. */
export const cgroupName = 'substratus'

const mountPoint = '/sys/fs/cgroup'

/** cgroup v1 has a tree for each controller, v2 a single one. */
const trees = (): readonly string[] =>
  existsSync(join(mountPoint, 'cgroup.controllers'))
    ? [mountPoint]
    : readdirSync(mountPoint)
        .map((name) => join(mountPoint, name))
        .filter((path) => existsSync(join(path, 'cgroup.procs')))

const ours = (): readonly string[] => trees().map((tree) => join(tree, cgroupName))

export function makeCgroups(): void {
  for (const path of ours()) mkdirSync(path, { recursive: true })
  // A new cpuset of v1 has no CPUs and no memory nodes, and so cannot contain processes.
  const cpuset = join(mountPoint, 'cpuset')
  for (const file of ['cpuset.cpus', 'cpuset.mems']) inherit(cpuset, file)
}

function inherit(cpuset: string, file: string): void {
  try {
    writeFileSync(join(cpuset, cgroupName, file), readFileSync(join(cpuset, file), 'utf8'))
  } catch {
    // v2 inherits them.
  }
}

function foldersBelow(path: string): readonly string[] {
  if (!existsSync(path)) return []
  const below = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => foldersBelow(join(path, entry.name)))
  return [...below, path]
}

const processesIn = (folder: string): readonly number[] => {
  try {
    return readFileSync(join(folder, 'cgroup.procs'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(Number)
  } catch {
    return []
  }
}

/** Kills every process of the node's containers, and removes the cgroups. */
export async function removeCgroups(): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const folders = ours().flatMap(foldersBelow)
    const pids = new Set(folders.flatMap(processesIn))
    for (const pid of pids) kill(pid)
    for (const folder of pids.size ? [] : folders) {
      try {
        rmdirSync(folder)
      } catch {
        // A killed process takes a moment to leave its cgroup.
      }
    }
    if (!ours().some((path) => existsSync(path))) return
    await sleep(100)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has already ended.
  }
}
