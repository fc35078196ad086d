import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from '../command.ts'
import { nodeAddress, nodeBridge, podBridge, serviceRange } from './addresses.ts'
import { programPath } from './requirements.ts'

const env = { ...process.env, PATH: programPath() }
export const run = (file: string, ...args: readonly string[]): Promise<string> =>
  command(file, args, { env })

const forwarding = '/proc/sys/net/ipv4/ip_forward'

/** Creates a bridge with the node's address; the CNI plugin creates another one for Pods. */
export async function makeNetwork(folder: string): Promise<void> {
  await run('ip', 'link', 'add', nodeBridge, 'type', 'bridge')
  await run('ip', 'addr', 'add', `${nodeAddress}/24`, 'dev', nodeBridge)
  await run('ip', 'link', 'set', nodeBridge, 'up')
  // Until kube-proxy knows a Service, connections to its address fail on this bridge. By the default
  // route they would leave the machine, and a host outside could accept them.
  await run('ip', 'route', 'add', serviceRange, 'dev', nodeBridge)
  writeFileSync(join(folder, 'ip_forward'), readFileSync(forwarding))
  writeFileSync(forwarding, '1')
}

export async function removeNetwork(folder: string): Promise<void> {
  for (const bridge of [nodeBridge, podBridge])
    await run('ip', 'link', 'del', bridge).catch(() => {})
  try {
    writeFileSync(forwarding, readFileSync(join(folder, 'ip_forward')))
  } catch {
    // It was never changed.
  }
}

export const isBridgeThere = (): Promise<boolean> =>
  run('ip', 'link', 'show', nodeBridge).then(
    () => true,
    () => false,
  )
