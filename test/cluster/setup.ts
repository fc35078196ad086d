import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { startPlatform } from '../../cli/local/platform.ts'

/** What tests need of a platform. */
interface Target {
  /** Where the platform keeps its state. */
  readonly dir: string
  readonly kubectl: string
  readonly kubeconfig: string
  readonly auditLog: string
  readonly serverUrl: string
  /** The CA of the server’s certificate, as a file. */
  readonly ca: string
  /** Who drives the hooks. */
  readonly controller: string
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly cluster: Target
  }
}

/** One platform for all files: Metacontroller where it is found, else the embedded runner. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), 'substratus-cluster-'))
  const platform = await startPlatform({
    dir,
    nodes: 4,
    audit: true,
    stages: [fileURLToPath(new URL('stages.yaml', import.meta.url))],
    config: { registry: { prefix: 'registry.example.com/substratus' } },
    progress: (line) => console.log(line),
  })
  console.log(`driven by ${platform.controller}`)
  project.provide('cluster', {
    dir,
    kubectl: platform.binaries.kubectl,
    kubeconfig: platform.kubeconfig,
    auditLog: platform.auditLog ?? '',
    serverUrl: platform.serverUrl,
    ca: platform.pki.ca.cert,
    controller: platform.controller,
  })
  return platform.stop
}
