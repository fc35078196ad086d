import { afterAll, beforeAll } from 'vitest'
import {
  type Bed,
  chart,
  type Driving,
  driveBeside,
  home,
  imagesAt,
  install,
  type Running,
  release,
  startBed,
  startBehindService,
} from './chart.ts'
import type { Ended } from './cluster.ts'
import { applyOneOfEach } from './oneofeach.ts'

/** The setup that the Helm tests share. Each file has its own control plane, which it may change at will. */

interface Setup {
  /** Installs the chart before the tests, with these arguments of `helm install`. */
  readonly installed?: { readonly from?: string; readonly args?: readonly string[] }
  /** Installs Metacontroller beside the chart, and waits until one object of each kind is ready. */
  readonly inUse?: boolean
}

/** A control plane, and what a test may replace on it. Complete once the tests run. */
export interface Installation extends Bed {
  server: Running
  driving: Driving
  /** Helm with our release, chart and namespace: `release('upgrade', '--reuse-values')`. */
  readonly release: (
    verb: 'install' | 'upgrade' | 'template',
    ...args: readonly string[]
  ) => Promise<Ended>
  /** `helm rollback` to the first revision. */
  readonly rollback: () => Promise<Ended>
  readonly uninstall: () => Promise<Ended>
  /** Restarts the server with the current Deployment and a token of the current account. */
  readonly restartServer: () => Promise<void>
}

export function installation({ installed, inUse = false }: Setup = {}): Installation {
  const shared = {} as Installation
  beforeAll(async () => {
    const bed = await startBed()
    Object.assign(shared, bed, actsOn(shared))
    if (installed) shared.server = await install(bed, installed.from, ...(installed.args ?? []))
    if (!inUse) return
    shared.driving = await driveBeside(bed)
    await applyOneOfEach(bed)
  })
  afterAll(async () => {
    await shared.server?.stop()
    await shared.plane?.stop()
  })
  return shared
}

const actsOn = (
  shared: Installation,
): Pick<Installation, 'release' | 'rollback' | 'uninstall' | 'restartServer'> => ({
  release: (verb, ...args) =>
    shared.helm(verb, release, chart, '-n', home, '--set', imagesAt, ...args),
  rollback: () => shared.helm('rollback', release, '1', '-n', home),
  uninstall: () => shared.helm('uninstall', release, '-n', home, '--wait', '--timeout', '60s'),
  restartServer: async () => {
    await shared.server?.stop()
    shared.server = await startBehindService(shared)
  },
})
