import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The server as a separate process, with a memory limit if this machine allows to set one. */

/** A memory cgroup inside our own, so that the limits around us still apply. */
interface Cage {
  readonly enter: string
  /** The peak in bytes so far, including the page cache. */
  readonly peak: () => number
  readonly kills: () => number
  readonly remove: () => void
}

/** Undefined if no cgroup can be created: without root, or in a container without that right. */
export function cage(limit: number): Cage | undefined {
  const own = readFileSync('/proc/self/cgroup', 'utf8')
  const name = `substratus-test-${process.pid}`
  const first = /^\d+:memory:(.*)$/m.exec(own)?.[1]
  const isFirst = first !== undefined && existsSync('/sys/fs/cgroup/memory')
  const folder = join(
    isFirst ? '/sys/fs/cgroup/memory' : '/sys/fs/cgroup',
    isFirst ? first : (/^0::(.*)$/m.exec(own)?.[1] ?? ''),
    name,
  )
  const file = (of: string) => join(folder, of)
  const number = (of: string) => Number(readFileSync(file(of), 'utf8'))
  try {
    mkdirSync(folder)
    writeFileSync(file(isFirst ? 'memory.limit_in_bytes' : 'memory.max'), String(limit))
  } catch {
    if (existsSync(folder)) rmdirSync(folder)
    return undefined
  }
  const events = file(isFirst ? 'memory.oom_control' : 'memory.events')
  return {
    enter: file('cgroup.procs'),
    peak: () => number(isFirst ? 'memory.max_usage_in_bytes' : 'memory.peak'),
    kills: () => Number(/^oom_kill (\d+)$/m.exec(readFileSync(events, 'utf8'))?.[1] ?? 0),
    remove: () => rmdirSync(folder),
  }
}

export interface Served {
  readonly port: number
  readonly child: ChildProcess
  /** The peak memory of the process itself, in MiB. */
  readonly peak: () => number
  readonly log: () => string
  readonly end: () => Promise<void>
}

export async function served(of: Cage | undefined, ...more: readonly string[]): Promise<Served> {
  const command = [process.execPath, 'cli/main.ts', 'serve', '--http', '127.0.0.1:0', ...more]
  // Join the cgroup before Node reads how much memory there is.
  const entering = of ? `echo $$ > '${of.enter}' && exec "$0" "$@"` : 'exec "$0" "$@"'
  const child = spawn('sh', ['-c', entering, ...command], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk
  })
  while (!log.includes('"url"')) await once(child.stderr, 'data')
  return {
    port: Number(/"url":"[^"]+:(\d+)"/.exec(log)?.[1]),
    child,
    peak: () => {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
    },
    log: () => log,
    end: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    },
  }
}

/** Sends one admission on a new connection; returns its status and the milliseconds that it took. */
export const admitted = (port: number, body: string) =>
  new Promise<{ readonly code: number; readonly ms: number }>((resolve, reject) => {
    const start = performance.now()
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }
    const path = '/admission/validate'
    const asked = request(
      { port, host: '127.0.0.1', path, method: 'POST', agent: false, headers },
      (answer) => {
        answer.resume()
        answer.on('end', () =>
          resolve({ code: answer.statusCode ?? 0, ms: performance.now() - start }),
        )
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })

/** A connection, what it has received so far, and whether it is still open. */
export interface Line {
  readonly socket: Socket
  readonly heard: () => string
  readonly isOpen: () => boolean
}

export async function line(port: number, ...sent: readonly (string | Buffer)[]): Promise<Line> {
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  let isOpen = true
  socket.on('error', () => {})
  socket.on('close', () => {
    isOpen = false
  })
  socket.on('data', (chunk) => {
    heard += chunk
  })
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  for (const piece of sent) socket.write(piece)
  return { socket, heard: () => heard, isOpen: () => isOpen }
}

export const head = (path: string, length: number | 'chunked', more = ''): string =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: x',
    'Content-Type: application/json',
    length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`,
    ...(more ? [more] : []),
    '\r\n',
  ].join('\r\n')

/** Waits until a condition is true; false if it does not become true in time. */
export async function eventually(is: () => boolean, milliseconds: number): Promise<boolean> {
  const end = performance.now() + milliseconds
  while (!is() && performance.now() < end) await sleep(50)
  return is()
}
