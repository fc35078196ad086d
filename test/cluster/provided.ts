import { spawn, spawnSync } from 'node:child_process'
import type { TestProject } from 'vitest/node'
import type { Platform } from '../../platform/platform.ts'
import { modulePath } from '../../terminal/root.ts'

/** What tests need to know about a platform. */
interface Target {
  /** The state folder. */
  readonly dir: string
  readonly kubectl: string
  readonly kubeconfig: string
  readonly auditLog: string
  readonly serverUrl: string
  /** The path of the CA of the server’s certificate. */
  readonly ca: string
  /** The controller that calls the hooks. */
  readonly controller: string
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly cluster: Target
  }
}

/** Provides a platform to the tests. */
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
 * Stops the platform of a folder even if Ctrl-C ends vitest, which then calls no teardown. Call it before
 * the start, and call the result with the platform to get the teardown. This process holds the lock of
 * the folder during the start, so a start in progress is stopped by a process that outlives this one.
 */
export function ending(dir: string): (platform: Platform) => () => Promise<void> {
  const args = [modulePath('platform/main'), 'down', '--dir', dir]
  let isStarted = false
  const down = () => {
    if (isStarted) spawnSync(process.execPath, args, { stdio: 'inherit' })
    else spawn(process.execPath, args, { stdio: 'inherit', detached: true }).unref()
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
