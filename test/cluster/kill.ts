import { spawn } from 'node:child_process'
import { openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { statusOf } from '../../platform/https.ts'
import { identityOf } from '../../platform/identity.ts'
import { until } from './cluster.ts'

/** Kills and restarts the platform's processes, as a crash or a rollout would. */

interface Process {
  readonly record: string
  readonly pid: number
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
}

function processNamed(name: string): Process {
  const folder = join(inject('cluster').dir, 'run')
  const file = readdirSync(folder).find((entry) => entry.endsWith(`-${name}.json`))
  if (!file) throw new Error(`nothing called ${name} runs`)
  const record = join(folder, file)
  const { pid } = JSON.parse(readFileSync(record, 'utf8'))
  const [path = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  return { record, pid, file: path, args, cwd: readlinkSync(`/proc/${pid}/cwd`) }
}

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return true
  }
}

/**
 * Kills a process. The returned function restarts it, and records it so that `down` finds it. If it ends
 * with an error, it is started again, as systemd or the kubelet would: an API server ends if its own start
 * takes too long.
 */
export async function kill(name: string): Promise<() => void> {
  const { record, pid, file, args, cwd } = processNamed(name)
  process.kill(pid, 'SIGKILL')
  await until(async () => isGone(pid), Boolean, 10)
  const start = (): void => {
    const log = openSync(join(inject('cluster').dir, 'log', `${name}.log`), 'a')
    const child = spawn(file, args, { cwd, detached: true, stdio: ['ignore', log, log] })
    child.unref()
    child.on('exit', (code) => code && setTimeout(start, 1000))
    const again = { name, pid: child.pid, identity: identityOf(child.pid ?? 0) }
    writeFileSync(record, `${JSON.stringify(again)}\n`)
  }
  return start
}

/** Resolves once the server is ready, and so has listed Pods. */
export async function serverReady(): Promise<void> {
  const { serverUrl, ca } = inject('cluster')
  await until(
    () => statusOf(`${serverUrl}/readyz`, ca),
    (status) => status === 200,
  )
}
