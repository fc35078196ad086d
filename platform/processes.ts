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
 * The processes of a state folder. Each is a session of its own that outlives us, logs to log/NAME.log,
 * and is recorded in run/NN-NAME.json, so that any later process can stop it.
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

/** Starts a process that outlives this one, and records it. */
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
  // Without a listener, a failed spawn would crash this process.
  child.on('error', () => {})
  if (child.pid === undefined) throw new Error(`${file} cannot be started`)
  const order = String(recordsOf(dir).length).padStart(2, '0')
  const record = { name, pid: child.pid, identity: identityOf(child.pid) ?? '' }
  writeFileSync(join(runFolder(dir), `${order}-${name}.json`), `${JSON.stringify(record)}\n`)
  child.unref()
  return record
}

interface StoredRecord extends ProcessRecord {
  readonly path: string
}

/** The recorded processes, in the order in which they were started. */
export function recordsOf(dir: string): readonly StoredRecord[] {
  const files = names(runFolder(dir))
    .filter((name) => name.endsWith('.json'))
    .sort()
  return files.flatMap((file) => {
    const path = join(runFolder(dir), file)
    try {
      return [{ ...(JSON.parse(readFileSync(path, 'utf8')) as ProcessRecord), path }]
    } catch {
      // A partial record, whose writer was killed.
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

/** Stops every process; etcd last, because an API server that has lost etcd does not stop. */
export async function endAll(dir: string): Promise<void> {
  const records = [...recordsOf(dir)].reverse()
  const isCore = ({ name }: ProcessRecord) => name === 'etcd' || name === 'kube-apiserver'
  await Promise.all(records.filter((record) => !isCore(record)).map(end))
  for (const record of records.filter(isCore)) await end(record)
}

/** Stops a process, if its pid still belongs to the one that was recorded. */
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

async function end(record: StoredRecord): Promise<void> {
  await endProcess(record)
  rmSync(record.path, { force: true })
}

/** What has happened to a process, with the end of its log. */
export function withLog(dir: string, name: string, fact: string): Error {
  const tail = logTail(dir, name)
  return new Error(
    tail ? `${fact}:\n${tail}` : `${fact}, and has written nothing to ${logOf(dir, name)}`,
  )
}

/** The last lines of a process's log. */
export function logTail(dir: string, name: string, lines = 8): string {
  try {
    return readFileSync(logOf(dir, name), 'utf8').trim().split('\n').slice(-lines).join('\n')
  } catch {
    return ''
  }
}

/** Waits until `ready`, and fails as soon as the process has ended. */
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
    const { name } = record
    if (!isAlive(record)) throw withLog(dir, name, `${name} ended at its start`)
    if (Date.now() > until) throw withLog(dir, name, `${name} is not ready after ${seconds} s`)
    await sleep(50)
  }
}
