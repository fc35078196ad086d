import { afterAll, beforeAll } from 'vitest'
import {
  type Bed,
  chart,
  type Driving,
  driveBeside,
  home,
  install,
  type Running,
  release,
  startBed,
  startBehindService,
} from './chart.ts'
import type { Said } from './cluster.ts'
import { applyOneOfEach } from './oneofeach.ts'

/** The setup that the Helm tests share. Each file has a control plane of its own, which it may spoil. */

interface Setup {
  /** The chart is installed before the tests, with these arguments of `helm install`; else nothing is. */
  readonly installed?: { readonly from?: string; readonly args?: readonly string[] }
  /** Metacontroller, installed beside the chart, drives one object of each kind until they are ready. */
  readonly inUse?: boolean
}

/** A control plane, and what a test may replace on it. All of it is there once the tests run. */
export interface Installation extends Bed {
  server: Running
  driving: Driving
  /** Helm with our release, chart and namespace: `release('upgrade', '--reuse-values')`. */
  readonly release: (
    verb: 'install' | 'upgrade' | 'template',
    ...args: readonly string[]
  ) => Promise<Said>
  /** `helm rollback` to the first revision. */
  readonly rollback: () => Promise<Said>
  readonly uninstall: () => Promise<Said>
  /** The server as the Deployment is now, with a token of its account as that is now. */
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
  release: (verb, ...args) => shared.helm(verb, release, chart, '-n', home, ...args),
  rollback: () => shared.helm('rollback', release, '1', '-n', home),
  uninstall: () => shared.helm('uninstall', release, '-n', home, '--wait', '--timeout', '60s'),
  restartServer: async () => {
    await shared.server?.stop()
    shared.server = await startBehindService(shared)
  },
})
