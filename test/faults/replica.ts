import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { statusOf } from '../../platform/https.ts'
import { endProcess, launch, logOf, waitUntil } from '../../platform/processes.ts'
import { modulePath } from '../../terminal/root.ts'
import { until } from '../cluster/cluster.ts'
import type { Balancer } from './balancer.ts'

/** One of the servers behind the balancer, as a Pod of the chart's Deployment would run it. */
export interface Replica {
  /** Starts it, and adds it to the balancer when it is ready. */
  readonly start: (how?: { readonly log?: 'written' | 'full' }) => Promise<void>
  /** Takes it out of the balancer, then ends it as the kubelet does. */
  readonly stop: () => Promise<void>
  /** Kills it, without a word to the balancer before. */
  readonly kill: () => void
  /**
   * Takes the clock of the file `clock`; returns the memory that is in use after a garbage collection, in MiB:
   * V8's heap, and what its objects hold outside. Resident memory varies too much to show a leak: of two
   * servers, one had 280 MiB and the other 172, with 69 and 62 MiB in use.
   */
  readonly settle: () => Promise<number>
  /** What it has logged. */
  readonly log: () => string
}

interface ReplicaOptions {
  readonly dir: string
  /** What the servers share: certificate, token, clock. */
  readonly folder: string
  readonly name: string
  readonly port: number
  readonly ca: string
  readonly kubeconfig: string
  readonly balancer: Balancer
}

export function replicaOf(options: ReplicaOptions): Replica {
  const { dir, folder, name, port, ca, balancer } = options
  const fullLog = `${name}-on-a-full-disk`
  let running: ReturnType<typeof launch> | undefined
  let logName = name
  const pidOf = (): number => running?.pid ?? 0
  return {
    start: async ({ log } = {}) => {
      logName = log === 'full' ? fullLog : name
      // Every write to it fails: no space left on device.
      if (log === 'full' && !existsSync(logOf(dir, fullLog)))
        symlinkSync('/dev/full', logOf(dir, fullLog))
      const started = launch({ dir, name: logName, ...commandOf(options) })
      running = started
      const isReady = async () => (await statusOf(`https://127.0.0.1:${port}/readyz`, ca)) === 200
      await waitUntil(dir, started, isReady, { seconds: 300 })
      balancer.add(port)
    },
    stop: async () => {
      balancer.remove(port)
      if (running) await endProcess(running, 20_000)
    },
    kill: () => {
      process.kill(pidOf(), 'SIGKILL')
      balancer.remove(port)
    },
    settle: async () => {
      const file = join(folder, `memory-${pidOf()}.json`)
      const asked = Date.now()
      const measured = async () => JSON.parse(readFileSync(file, 'utf8'))
      process.kill(pidOf(), 'SIGUSR2')
      const { heapUsed, external } = await until(measured, ({ at }) => at >= asked, 60)
      return Math.round((heapUsed + external) / 2 ** 20)
    },
    log: () => readFileSync(logOf(dir, logName), 'utf8'),
  }
}

const inside = fileURLToPath(new URL('inside.ts', import.meta.url))

const commandOf = ({ folder, port, kubeconfig }: ReplicaOptions) => ({
  file: process.execPath,
  args: [
    ...['--expose-gc', '--max-semi-space-size=4', '--import', inside],
    ...[modulePath('cli/main'), 'serve'],
    ...['--https', `127.0.0.1:${port}`],
    ...['--tls-cert', join(folder, 'tls.crt'), '--tls-key', join(folder, 'tls.key')],
    ...['--kubeconfig', kubeconfig],
    ...['--hook-token-file', join(folder, 'hook.token')],
    ...['--config', join(folder, 'config.yaml')],
  ],
  env: { ...process.env, FAULTS_FOLDER: folder },
})
