import { readFileSync, writeFileSync } from 'node:fs'

/** What a process has used, from /proc: only Linux has it. */
export interface Usage {
  readonly cpuSeconds: number
  /** What it has read and written, sockets included. */
  readonly mebibytes: number
  /** The peak of its memory since `forgetPeak`. */
  readonly peakMebibytes: number
}

const ticksPerSecond = 100

const numberIn = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0)

export function usageOf(pid: number): Usage {
  const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8')
  // The name of the program, in parentheses, may contain spaces.
  const fields = read('stat')
    .replace(/^.*\) /s, '')
    .split(' ')
  const io = read('io')
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    mebibytes: (numberIn(io, /^rchar: (\d+)/m) + numberIn(io, /^wchar: (\d+)/m)) / 2 ** 20,
    peakMebibytes: numberIn(read('status'), /^VmHWM:\s+(\d+)/m) / 1024,
  }
}

/** Starts the peak anew, at what the process has now. */
export const forgetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5')

export const usedSince = (before: Usage, now: Usage): Usage => ({
  cpuSeconds: now.cpuSeconds - before.cpuSeconds,
  mebibytes: now.mebibytes - before.mebibytes,
  peakMebibytes: now.peakMebibytes,
})
