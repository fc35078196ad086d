import { existsSync } from 'node:fs'
import { flags as usualFlags } from '../metacontroller/release.ts'
import { modulePath } from '../terminal/root.ts'
import { findMetacontroller } from './binaries/metacontroller.ts'
import type { Progress } from './progress.ts'

export type Controller = 'metacontroller' | 'embedded' | 'auto'

/** The controller that calls the hooks. */
export interface Driver {
  readonly name: 'metacontroller' | 'embedded'
  readonly file: string
  readonly args: (kubeconfig: string) => readonly string[]
}

/** Metacontroller if it is found, otherwise the embedded runner. */
export async function driverOf({
  controller = 'auto',
  flags = usualFlags,
  progress,
  signal,
}: {
  readonly controller?: Controller | undefined
  /** Metacontroller's, in place of the usual ones. */
  readonly flags?: readonly string[] | undefined
  readonly progress: Progress
  readonly signal?: AbortSignal | undefined
}): Promise<Driver> {
  const found =
    controller === 'embedded'
      ? undefined
      : await findMetacontroller({ progress, ...(signal && { signal }) })
  if (found) {
    return {
      name: 'metacontroller',
      file: found,
      args: (kubeconfig) => [
        `--kubeconfig=${kubeconfig}`,
        ...flags,
        // Nothing reads these, and with fixed ports only one platform could run at a time.
        '--metrics-address=0',
        '--health-probe-bind-address=0',
      ],
    }
  }
  if (controller === 'metacontroller') {
    throw new Error('no metacontroller was found: set METACONTROLLER_BIN to its binary')
  }
  const runner = modulePath('platform/runner/main')
  if (!existsSync(runner)) throw new Error(`the embedded runner is not there: ${runner}`)
  return {
    name: 'embedded',
    file: process.execPath,
    args: (kubeconfig) => [runner, '--kubeconfig', kubeconfig],
  }
}
