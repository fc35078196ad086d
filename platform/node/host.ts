import { mkdirSync } from 'node:fs'
import { makeCgroups } from './cgroups.ts'
import { folderOf, own } from './clean.ts'
import { makeNetwork } from './network.ts'

/** Creates what the node needs on this machine: a folder, a cgroup, and the address that Pods connect to. */
export async function setUpHost(dir: string): Promise<void> {
  const folder = folderOf(dir)
  mkdirSync(folder)
  own(dir)
  makeCgroups()
  await makeNetwork(folder)
}
