import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { identityOf, isAlive, type ProcessRecord } from './identity.ts'
import { endProcess } from './processes.ts'

/**
 * The state folder of one `up`. A marker file shows that the folder is ours, so that `--dir ~` can never
 * remove a home. State files are written last, so that an interrupted start is recognized.
 */

const markerName = '.substratus-up'

export const defaultDir = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env.XDG_STATE_HOME ?? join(env.HOME ?? homedir(), '.local', 'state'), 'substratus', 'up')

export const dirOf = (dir: string | undefined): string => resolve(dir ?? defaultDir())

const isOurs = (dir: string): boolean => existsSync(join(dir, markerName))
const isEmpty = (dir: string): boolean => !existsSync(dir) || readdirSync(dir).length === 0

/** Marks the folder as ours; refuses one that contains anything else. */
export function claim(dir: string): void {
  if (!isOurs(dir) && !isEmpty(dir)) {
    throw new Error(`"${dir}" holds other files: name a folder that does not exist yet`)
  }
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  writeFileSync(join(dir, markerName), 'The state of `npm run up`. `npm run down` removes it.\n')
}

export const exists = (dir: string): boolean => isOurs(dir)

/** Removes the folder if it is ours, and the parent of the default folder if that is empty. */
export function remove(dir: string): void {
  if (!isOurs(dir)) return
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  if (dir === defaultDir()) {
    try {
      rmdirSync(dirname(dir))
    } catch {
      // It contains something else.
    }
  }
}

export function readState<T>(dir: string, name: string): T | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, `${name}.json`), 'utf8')) as T
  } catch {
    return undefined
  }
}

export const writeState = (dir: string, name: string, state: unknown): void =>
  writeFileSync(join(dir, `${name}.json`), `${JSON.stringify(state, null, 2)}\n`)

const lockOf = (dir: string): string => `${dir}.starting`

const holderOf = (dir: string): ProcessRecord | undefined => {
  try {
    const record = JSON.parse(readFileSync(lockOf(dir), 'utf8')) as ProcessRecord
    return isAlive(record) ? record : undefined
  } catch {
    return undefined
  }
}

/** Only one process at a time may start things in a folder; the lock of one that has ended is taken over. */
export async function locked<T>(dir: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(dir), { recursive: true })
  const { pid } = process
  const text = JSON.stringify({ name: 'up', pid, identity: identityOf(pid) })
  try {
    writeFileSync(lockOf(dir), text, { flag: 'wx' })
  } catch {
    const holder = holderOf(dir)
    if (holder) throw new Error(`another up is starting in "${dir}": process ${holder.pid}`)
    writeFileSync(lockOf(dir), text)
  }
  try {
    return await work()
  } finally {
    rmSync(lockOf(dir), { force: true })
  }
}

/** Stops an `up` that is still starting: on SIGTERM, it cleans up after itself. */
export async function endStarter(dir: string): Promise<boolean> {
  const holder = holderOf(dir)
  if (holder) await endProcess(holder, 20_000)
  rmSync(lockOf(dir), { force: true })
  return holder !== undefined
}
