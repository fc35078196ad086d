import { spawn } from 'node:child_process'

export interface Ended {
  readonly code: number
  readonly stdout: string
  /** The last lines of both streams, as they came. */
  readonly said: string
}

interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Whether its output is shown as it comes. */
  readonly show?: boolean
}

const remembered = 200_000

/** Runs a command to its end, whatever that is. */
export const run = (
  file: string,
  args: readonly string[],
  { cwd, env, show = true }: RunOptions = {},
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let said = ''
    const hear = (chunk: string) => {
      said = `${said}${chunk}`.slice(-remembered)
      if (show) process.stderr.write(chunk)
    }
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout = `${stdout}${chunk}`.slice(-remembered)
      hear(chunk)
    })
    child.stderr.setEncoding('utf8').on('data', hear)
    child.on('error', (error) => reject(new Error(`${file} does not run: ${error.message}`)))
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, said }))
  })

/** The last lines that say something. */
export const lastLines = (text: string, count: number): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(-count)
    .join('\n')
