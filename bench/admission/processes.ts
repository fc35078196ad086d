import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { statusOf } from '../../platform/https.ts'
import { freePorts } from '../../platform/ports.ts'
import { bundleInto, imageFlags } from '../built.ts'

/** The processes to compare, as the image runs them: compiled, and with its flags. */

/** Compiles the server, and two modules of the bench, into a folder. */
export async function build(folder: string): Promise<void> {
  await bundleInto(folder)
  mkdirSync(join(folder, 'bench'))
  for (const name of ['bareserver', 'loopdelay']) {
    const source = readFileSync(join(import.meta.dirname, `${name}.ts`), 'utf8')
    writeFileSync(join(folder, 'bench', `${name}.js`), stripTypeScriptTypes(source))
  }
}

export interface Started {
  readonly url: string
  readonly pid: number
  /** The delay of its event loop since this was asked last, in milliseconds. */
  readonly loopDelay: () => Promise<LoopDelay>
  readonly stop: () => Promise<void>
}

export interface LoopDelay {
  readonly p99: number
  readonly max: number
  /** The CPU time of its turns. */
  readonly cpuP99: number
}

interface Files {
  /** Where `build` compiled to. */
  readonly folder: string
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Starts the server; `args` are what it needs besides its certificate. */
export const startServer = (files: Files, args: readonly string[]): Promise<Started> =>
  started(files, 'server', (port) => [
    join(files.folder, 'dist', 'cli', 'main.js'),
    ...['serve', '--https', `127.0.0.1:${port}`],
    ...['--tls-cert', files.cert, '--tls-key', files.key],
    ...args,
  ])

/** Starts webhooks that only allow. */
export const startBare = (files: Files): Promise<Started> =>
  started(files, 'bare', (port) => [
    join(files.folder, 'bench', 'bareserver.js'),
    ...[String(port), files.cert, files.key],
  ])

async function started(
  { folder, ca }: Files,
  name: string,
  argsFor: (port: number) => readonly string[],
): Promise<Started> {
  const [port = 0] = await freePorts(1)
  const preload = ['--import', join(folder, 'bench', 'loopdelay.js')]
  const file = join(folder, `${name}.log`)
  const log = openSync(file, 'a')
  const child = spawn(process.execPath, [...imageFlags(), ...preload, ...argsFor(port)], {
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, NODE_ENV: 'production', LOG_LEVEL: 'info' },
  })
  closeSync(log)
  const url = `https://127.0.0.1:${port}`
  const stop = async () => {
    if (child.exitCode === null && child.kill()) await once(child, 'exit')
  }
  for (const end = Date.now() + 120_000; (await statusOf(`${url}/readyz`, ca)) !== 200; ) {
    if (child.exitCode !== null || Date.now() > end) {
      await stop()
      throw new Error(`${name} does not start:\n${readFileSync(file, 'utf8').slice(-2000)}`)
    }
    await sleep(50)
  }
  const loopDelay = async () => {
    child.send('read')
    const [delay] = (await once(child, 'message')) as [LoopDelay]
    return delay
  }
  return { url, pid: child.pid ?? 0, loopDelay, stop }
}
