import { readFileSync } from 'node:fs'

/** The memory of a process, in MiB, from /proc: only Linux has it. */
export const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
