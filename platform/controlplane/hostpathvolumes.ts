import { rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Kubectl } from './kubectl.ts'

interface Volume {
  readonly spec: { readonly hostPath?: { readonly path: string } }
}

const provisioned = /^\/tmp\/hostpath_pv\/[0-9a-f-]+$/

/** Removes the folders that the host-path provisioner created under /tmp, a path that cannot be configured. */
export async function removeVolumes(kubectl: Kubectl): Promise<void> {
  const { items } = JSON.parse(
    await kubectl.run(['get', 'persistentvolumes', '-o', 'json', '--request-timeout=3s']),
  ) as { items: readonly Volume[] }
  const paths = items.flatMap(({ spec }) => spec.hostPath?.path ?? [])
  for (const path of paths.filter((path) => provisioned.test(path))) {
    await rm(path, { recursive: true, force: true })
    await rmdir(dirname(path)).catch(() => {})
  }
}
