import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { git } from '../git.ts'

/** Starts the project's tools as their containers do, and servers for them to talk to. */

const main = join(import.meta.dirname, '../../tools/main.ts')

export interface Ended {
  readonly code: number
  /** Both streams. */
  readonly output: string
  /** The termination message. */
  readonly message: string
}

/** A folder for one test, and a function that removes it. */
export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), 'substratus-hostile-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** `main.ts PROGRAM --name=value …` with a home of its own. */
export function tool(
  home: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const log = join(home, 'termination-log')
  writeFileSync(log, '')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...words], {
      env: { PATH: process.env.PATH, HOME: home, TERMINATION_MESSAGE_PATH: log, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const add = (chunk: Buffer) => {
      output += chunk
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({ code: code ?? 1, output, message: readFileSync(log, 'utf8').trim() }),
    )
  })
}

export interface Asked {
  /** As the client names it. */
  readonly host: string
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
}

/** A server on 127.0.0.1 that records its requests. */
export async function server(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  tls?: { readonly key: string; readonly cert: string },
) {
  const asked: Asked[] = []
  const listener: RequestListener = (request, response) => {
    const { method = '', url: path = '', headers } = request
    asked.push({ host: headers.host ?? '', method, path, authorization: headers.authorization })
    answer(request, response)
  }
  const listening = tls ? createSecureServer(tls, listener) : createServer(listener)
  await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done))
  const { port } = listening.address() as AddressInfo
  return {
    asked,
    port,
    host: `127.0.0.1:${port}`,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    stop: () => {
      listening.close()
      listening.closeAllConnections()
    },
  }
}
export type Server = Awaited<ReturnType<typeof server>>

/** A repository with these files in its only commit. */
export function commit(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true })
  git(folder, 'init', '--quiet', '--initial-branch=main')
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  git(folder, 'add', '--all')
  git(folder, 'commit', '--quiet', '--message', 'a commit')
}

/** Git's own backend, by CGI: variables and the body go in, headers and a body come out. */
export function serveGit(
  repositories: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const url = new URL(path, 'http://git')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: repositories,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      HTTP_GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  request.pipe(child.stdin)
  child.stdin.on('error', () => {})
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.on('close', () => {
    const all = Buffer.concat(chunks)
    const end = all.indexOf('\r\n\r\n')
    const headers = all
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => line.split(': ') as [string, string])
    const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200'
    response.writeHead(
      Number.parseInt(status, 10),
      Object.fromEntries(headers.filter(([name]) => name !== 'Status')),
    )
    response.end(all.subarray(end + 4))
  })
}
