import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createServer as createSocketServer } from 'node:net'
import { join } from 'node:path'

/**
 * Git's own smart HTTP backend behind a small server, over http, https and ssh. Repositories below
 * private/ require the user "git" with the password "letmein", or a key. Every repository accepts pushes.
 */
export interface GitServing {
  readonly folder: string
  readonly address: string
  readonly http: number
  readonly https: { readonly port: number; readonly cert: string; readonly key: string }
  readonly ssh: { readonly port: number; readonly sshd: string; readonly config: string }
}

const { folder, address, http, https, ssh }: GitServing = JSON.parse(process.argv[2] ?? '')

const backend = '/usr/lib/git-core/git-http-backend'
const login = `Basic ${Buffer.from('git:letmein').toString('base64')}`

function serve(request: IncomingMessage, response: ServerResponse) {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://git')
  const isPrivate = pathname.startsWith('/private/')
  if (isPrivate && request.headers.authorization !== login) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    return
  }
  if (searchParams.get('service') === 'git-receive-pack') provide(pathname)
  answer(pathname, searchParams.toString(), request, response)
}

/** The first push creates the repository. URL parsing has removed any `..`. */
function provide(path: string) {
  const [, name] = /^\/((?:[\w.-]+\/)*[\w.-]+\.git)\/info\/refs$/.exec(path) ?? []
  if (!name || existsSync(join(folder, name))) return
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', join(folder, name)])
}

/** CGI: variables and the body go in, headers and a body come out. */
function answer(path: string, query: string, request: IncomingMessage, response: ServerResponse) {
  const child = spawn(backend, [], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: request.headers['content-length'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      HTTP_GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'git',
      REMOTE_ADDR: request.socket.remoteAddress,
      // Allows shallow clones of a commit that no branch points to.
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'uploadpack.allowAnySHA1InWant',
      GIT_CONFIG_VALUE_0: 'true',
      GIT_CONFIG_KEY_1: 'safe.directory',
      GIT_CONFIG_VALUE_1: '*',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  request.pipe(child.stdin)
  child.stdin.on('error', () => {})
  let head: Buffer | undefined = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    if (!head) return void response.write(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    const body = head.subarray(end + 4)
    begin(head.subarray(0, end).toString(), response)
    head = undefined
    response.write(body)
  })
  child.on('close', () => response.end())
  child.on('error', () => response.writeHead(500).end())
}

function begin(head: string, response: ServerResponse) {
  const headers = head.split('\r\n').map((line) => {
    const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? []
    return [name.toLowerCase(), value] as const
  })
  const status = headers.find(([name]) => name === 'status')?.[1] ?? '200'
  response.writeHead(
    Number(status.split(' ')[0]),
    Object.fromEntries(headers.filter(([name]) => name !== 'status')),
  )
}

/** Starts an sshd for each connection, as inetd does: it gets the socket, and ends with it. */
const connections = createSocketServer({ pauseOnConnect: true }, (socket) => {
  socket.on('error', () => {})
  const child = spawn(ssh.sshd, ['-i', '-e', '-f', ssh.config], {
    stdio: [socket, socket, 'inherit'],
  })
  child.on('error', (error) => console.error(String(error)))
  socket.destroy()
})

const certificate = { cert: readFileSync(https.cert), key: readFileSync(https.key) }
// http listens last: once it responds, the others do too.
connections.listen(ssh.port, address, () =>
  createSecureServer(certificate, serve).listen(https.port, address, () =>
    createServer(serve).listen(http, address),
  ),
)
