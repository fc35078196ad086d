import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { lineCleaner } from './redact.ts'

export interface Ended {
  readonly code: number
  /** Not cleaned: our code parses it, and it is never printed. */
  readonly stdout: string
  /** The last lines of both streams, without credentials. */
  readonly output: string
}

interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly input?: string
  /** Whether to print the output as it arrives. */
  readonly show?: boolean
  /** Gets the output of both streams as it arrives, without credentials. */
  readonly heard?: (text: string) => void
}

const maxLength = 200_000

/** Runs a command; resolves when it ends, whatever its exit code. */
export const run = (
  file: string,
  args: readonly string[],
  { cwd, env, input, show = true, heard }: RunOptions = {},
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    let stdout = ''
    let output = ''
    const record = (text: string) => {
      output = `${output}${text}`.slice(-maxLength)
      if (show) process.stderr.write(text)
      heard?.(text)
    }
    const follow = (stream: Readable | null, also: (chunk: string) => void) => {
      const lines = lineCleaner()
      stream
        ?.setEncoding('utf8')
        .on('data', (chunk: string) => {
          also(chunk)
          record(lines.push(chunk))
        })
        .on('end', () => record(lines.end()))
    }
    follow(child.stdout, (chunk) => {
      stdout = `${stdout}${chunk}`.slice(-maxLength)
    })
    follow(child.stderr, () => {})
    // A program that ends before it has read all of its input reports why itself.
    child.stdin?.on('error', () => {}).end(input)
    child.on('error', (error) => reject(new Error(`${file} does not run: ${error.message}`)))
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, output }))
  })

/** The last lines that are not empty. */
export const lastLines = (text: string, count: number): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(-count)
    .join('\n')
