import { spawn, spawnSync } from 'node:child_process'
import type { TestProject } from 'vitest/node'
import type { Platform } from '../../platform/platform.ts'
import { modulePath } from '../../terminal/root.ts'

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

/**
 * Ends the platform of a folder also when Ctrl-C ends vitest, which then calls no teardown. Call it
 * before the start, and the answer with what was started: it is the teardown. A start that is under
 * way is ended by a process that outlives this one, which holds the lock of the folder.
 */
export function ending(dir: string): (platform: Platform) => () => Promise<void> {
  const words = [modulePath('platform/main'), 'down', '--dir', dir]
  let isStarted = false
  const down = () => {
    if (isStarted) spawnSync(process.execPath, words, { stdio: 'inherit' })
    else spawn(process.execPath, words, { stdio: 'inherit', detached: true }).unref()
  }
  process.once('exit', down)
  return ({ stop }) => {
    isStarted = true
    return async () => {
      process.off('exit', down)
      await stop()
    }
  }
}
