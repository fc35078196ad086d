import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/** A process and when it was started: its pid alone may belong to another process by now. */
export interface ProcessRecord {
  readonly name: string
  readonly pid: number
  readonly identity: string
}

/** When a process was started, and its arguments; `undefined` if it has ended. */
export const identityOf = (pid: number): string | undefined =>
  existsSync('/proc/self/stat') ? fromProc(pid) : fromPs(pid)

export const isAlive = ({ pid, identity }: ProcessRecord): boolean =>
  identity !== '' && identityOf(pid) === identity

const read = (path: string): string => readFileSync(path, 'utf8')

function fromProc(pid: number): string | undefined {
  try {
    // The name in parentheses may itself contain spaces and parentheses: skip to the last one.
    const fields = read(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ')
    // A zombie has ended.
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    const boot = read('/proc/sys/kernel/random/boot_id').trim()
    return `${boot} ${fields[19]} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`
  } catch {
    return undefined
  }
}

function fromPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=,args=', '-p', String(pid)], {
      encoding: 'utf8',
    }).trim()
    return line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '')
  } catch {
    return undefined
  }
}
