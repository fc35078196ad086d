import { spawn } from 'node:child_process'

interface CommandOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  /** Called for each line of stderr, as it comes. */
  readonly onLine?: (line: string) => void
}

/** Runs a command and returns its stdout. The error of a failed one contains the end of its stderr. */
export function command(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const { cwd, env, input, signal, timeoutMs, onLine } = options
    const child = spawn(file, args, {
      ...(cwd && { cwd }),
      ...(env && { env }),
      ...(signal && { signal }),
      ...(timeoutMs && { timeout: timeoutMs }),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const out: Buffer[] = []
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err = `${err}${text}`.slice(-20_000)
      if (onLine) for (const line of text.split('\n')) if (line.trim()) onLine(line.trim())
    })
    child.on('error', reject)
    child.on('close', (code, killed) => {
      if (code === 0) return resolve(Buffer.concat(out).toString('utf8'))
      const message = err.trim().split('\n').slice(-5).join('\n') || `exit ${code ?? killed}`
      reject(new Error(message))
    })
    // EPIPE: the command ended before it read its input, and its exit code says why.
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
  })
}
