import { spawnSync } from 'node:child_process'
import type { TestProject } from 'vitest/node'
import type { Platform } from '../../cli/local/platform.ts'
import { modulePath } from '../../cli/local/root.ts'

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

/** Gives the tests a platform. */
export function provide(project: TestProject, platform: Platform): void {
  console.log(`driven by ${platform.controller}`)
  project.provide('cluster', {
    dir: platform.dir,
    kubectl: platform.binaries.kubectl,
    kubeconfig: platform.kubeconfig,
    auditLog: platform.auditLog ?? '',
    serverUrl: platform.serverUrl,
    ca: platform.pki.ca.cert,
    controller: platform.controller,
  })
}

/** Ctrl-C while the platform starts: the start then ends what it has begun. */
export function interruption(): AbortSignal {
  const abort = new AbortController()
  process.once('SIGINT', () => abort.abort(new Error('interrupted')))
  return abort.signal
}

/** Ends the platform after the tests, and also when Ctrl-C ends vitest, which then calls no teardown. */
export function ending({ dir, stop }: Platform): () => Promise<void> {
  const down = () => {
    spawnSync(process.execPath, [modulePath('cli/main'), 'down', '--dir', dir], {
      stdio: 'inherit',
    })
  }
  process.once('exit', down)
  return async () => {
    process.off('exit', down)
    await stop()
  }
}
