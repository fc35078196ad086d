import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lastLines, run } from './run.ts'

/** How buildkitd is started, and where. */
export interface Daemon {
  /** The command before buildkitd's other arguments. */
  readonly command: readonly [string, ...string[]]
  readonly buildctl: string
  /** A folder for its configuration, its log and its state. */
  readonly home: string
  /** A folder for its socket, whose path must not be long. */
  readonly runtime: string
  /** Its configuration, TOML. */
  readonly config: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** In a container without privileges. */
export const rootless = [
  'rootlesskit',
  'buildkitd',
  '--rootless',
  '--oci-worker-no-process-sandbox',
] as const

/** buildkitd's configuration: whether it talks plain HTTP to the registry. */
export const daemonConfig = (host: string, insecure: boolean): string =>
  insecure ? `[registry."${host}"]\n  http = true\n` : ''

/** Runs `work` with a buildkitd, which is stopped afterwards together with all that it started. */
export async function withBuildkitd<T>(
  { command: [file, ...args], buildctl, home, runtime, config, env }: Daemon,
  work: (address: string) => Promise<T>,
): Promise<T> {
  mkdirSync(runtime, { recursive: true })
  const configFile = join(home, 'buildkitd.toml')
  writeFileSync(configFile, config)
  const address = `unix://${join(runtime, 'buildkitd.sock')}`
  const logPath = join(home, 'buildkitd.log')
  const log = openSync(logPath, 'w')
  const own = [`--root=${join(home, 'buildkit')}`, `--config=${configFile}`, `--addr=${address}`]
  const daemon = spawn(file, [...args, ...own], {
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log],
  })
  let ended: string | undefined
  const closed = new Promise<void>((resolve) => {
    daemon.on('error', (error) => {
      ended = error.message
      resolve()
    })
    daemon.on('close', (code) => {
      ended ??= `it ended with ${code}`
      resolve()
    })
  })
  try {
    for (let tries = 0; ; tries++) {
      const { code } = await run(buildctl, [`--addr=${address}`, 'debug', 'workers'], {
        show: false,
      })
      if (code === 0) break
      if (ended !== undefined || tries > 300)
        throw new Error(
          `buildkitd does not start here: ${ended ?? 'no answer in 30 s'}\n${lastLines(readFileSync(logPath, 'utf8'), 2)}`,
        )
      await sleep(100)
    }
    return await work(address)
  } finally {
    daemon.kill('SIGTERM')
    await Promise.race([closed, sleep(10_000, undefined, { ref: false })])
  }
}
