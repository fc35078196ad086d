import { mkdirSync } from 'node:fs'
import { makeCgroups } from './cgroups.ts'
import { folderOf, own } from './clean.ts'
import { makeNetwork } from './network.ts'

/** What all of the node stands on: a folder, a cgroup, and the address that Pods reach it by. */
export async function makeGround(dir: string): Promise<void> {
  const folder = folderOf(dir)
  mkdirSync(folder)
  own(dir)
  makeCgroups()
  await makeNetwork(folder)
}
