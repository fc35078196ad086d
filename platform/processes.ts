import { spawn } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { identityOf, isAlive, type ProcessRecord } from './identity.ts'

/**
 * The processes of a state folder: each is a session of its own that outlives us, logs to
 * log/NAME.log, and is written down in run/NN-NAME.json so that any later process can end it.
 */

const runFolder = (dir: string): string => join(dir, 'run')
export const logOf = (dir: string, name: string): string => join(dir, 'log', `${name}.log`)

interface Launch {
  readonly dir: string
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly signal?: AbortSignal
}

/** Starts a process that outlives this one, and writes down who it is. */
export function launch({ dir, name, file, args, env, signal }: Launch): ProcessRecord {
  signal?.throwIfAborted()
  mkdirSync(join(dir, 'log'), { recursive: true })
  mkdirSync(runFolder(dir), { recursive: true })
  const log = openSync(logOf(dir, name), 'a')
  const child = spawn(file, args, {
    cwd: dir,
    detached: true,
    stdio: ['ignore', log, log],
    ...(env && { env }),
  })
  closeSync(log)
  // Without a listener a failed spawn would end this process.
  child.on('error', () => {})
  if (child.pid === undefined) throw new Error(`${file} cannot be started`)
  const order = String(recordsOf(dir).length).padStart(2, '0')
  const record = { name, pid: child.pid, identity: identityOf(child.pid) ?? '' }
  writeFileSync(join(runFolder(dir), `${order}-${name}.json`), `${JSON.stringify(record)}\n`)
  child.unref()
  return record
}

interface Written extends ProcessRecord {
  readonly path: string
}

/** What was started here, in that order. */
export function recordsOf(dir: string): readonly Written[] {
  const files = names(runFolder(dir))
    .filter((name) => name.endsWith('.json'))
    .sort()
  return files.flatMap((file) => {
    const path = join(runFolder(dir), file)
    try {
      return [{ ...(JSON.parse(readFileSync(path, 'utf8')) as ProcessRecord), path }]
    } catch {
      // A half-written record: its writer was killed between spawn and write.
      return []
    }
  })
}

const names = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Ends all that was started here, the last first, for an API server that lost etcd does not end. */
export async function endAll(dir: string): Promise<void> {
  const records = [...recordsOf(dir)].reverse()
  const isCore = ({ name }: ProcessRecord) => name === 'etcd' || name === 'kube-apiserver'
  await Promise.all(records.filter((record) => !isCore(record)).map(end))
  for (const record of records.filter(isCore)) await end(record)
}

/** Ends a process if it is still the one that was written down. */
export async function endProcess(record: ProcessRecord, patienceMs = 5000): Promise<void> {
  for (const kind of ['SIGTERM', 'SIGKILL'] as const) {
    if (!isAlive(record)) return
    try {
      process.kill(record.pid, kind)
    } catch {
      return
    }
    const until = Date.now() + patienceMs
    while (isAlive(record) && Date.now() < until) await sleep(25)
  }
}

async function end(record: Written): Promise<void> {
  await endProcess(record)
  rmSync(record.path, { force: true })
}

/** The last lines of a process's log, for an error that somebody reads. */
export function lastWords(dir: string, name: string, lines = 8): string {
  try {
    return readFileSync(logOf(dir, name), 'utf8').trim().split('\n').slice(-lines).join('\n')
  } catch {
    return ''
  }
}

/** Waits until `ready`, and gives up as soon as the process it waits for has ended. */
export async function waitUntil(
  dir: string,
  record: ProcessRecord,
  ready: () => Promise<boolean>,
  { signal, seconds = 60 }: { readonly signal?: AbortSignal; readonly seconds?: number } = {},
): Promise<void> {
  const until = Date.now() + seconds * 1000
  for (;;) {
    signal?.throwIfAborted()
    if (await ready()) return
    const words = () => lastWords(dir, record.name)
    if (!isAlive(record)) throw new Error(`${record.name} ended at its start:\n${words()}`)
    if (Date.now() > until) {
      throw new Error(`${record.name} is not ready after ${seconds} s:\n${words()}`)
    }
    await sleep(50)
  }
}
