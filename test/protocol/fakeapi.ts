import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type WebSocket, WebSocketServer } from 'ws'

/**
 * A fake API server with a kubelet behind it: it lists, watches and patches, and serves exec and
 * port-forward over WebSockets, with the kubelet's frames.
 */

export interface Stored {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly uid?: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly [field: string]: unknown
  }
  readonly spec?: object
  readonly status?: object
}

interface Refused {
  readonly code: number
  readonly message: string
  /** The next request only. */
  readonly isOnce?: true
}

export interface FakeApi {
  readonly kubeconfig: string
  /** Every request so far: `PATCH /apis/… {"spec":…}`, without the repeated ones of watches. */
  readonly requests: string[]
  readonly put: (...objects: readonly Stored[]) => void
  readonly remove: (kind: string, name: string) => void
  readonly get: (kind: string, name: string) => Stored | undefined
  /** Acts as the controller: called with the patched object, before the response is sent. */
  patched: (object: Stored) => void | Promise<void>
  /** Responds to a POST: called with its path and body. */
  posted: (path: string, body: unknown) => object
  /** Requests to refuse, by a part of the request, with the API server's message. */
  readonly refusals: Map<string, Refused>
  /** What a Pod has logged; a log that is followed does not end. */
  readonly logs: Map<string, string>
  /** What a command in a Pod prints, in frames; without a code it never ends. */
  exec: (
    pod: string,
    command: readonly string[],
  ) => { readonly out: string | readonly string[]; readonly code: number | undefined }
  /** Writes the log of a Pod's container; it may leave the response open. */
  log: (pod: string, query: URLSearchParams, res: ServerResponse) => void
  /** The local port that acts as the Pod's. */
  backend: (pod: string) => number
  /** Cuts every forwarded connection, as a failing node or proxy would. */
  readonly cut: () => void
  /** Cuts a forwarded connection that is silent for so long, as load balancers do; 0: never. */
  cutIdleMilliseconds: number
  /** How many bytes of Pods the other ends of forwarded connections have not taken yet. */
  readonly untaken: () => number
  /** Answers nothing more on forwarded connections, not even pings, as if the network were gone. */
  readonly freeze: () => void
  /** Stops the server; `up` starts it again at the same address. */
  readonly down: () => Promise<void>
  readonly up: () => Promise<void>
  readonly close: () => Promise<void>
}

const collections: Readonly<Record<string, string>> = {
  Dataset: '/apis/substratus.ai/v1/namespaces/team/datasets',
  Model: '/apis/substratus.ai/v1/namespaces/team/models',
  Notebook: '/apis/substratus.ai/v1/namespaces/team/notebooks',
  ModelServer: '/apis/substratus.ai/v1/namespaces/team/modelservers',
  Pod: '/api/v1/namespaces/team/pods',
  Event: '/api/v1/namespaces/team/events',
  Job: '/apis/batch/v1/namespaces/team/jobs',
  StatefulSet: '/apis/apps/v1/namespaces/team/statefulsets',
  Deployment: '/apis/apps/v1/namespaces/team/deployments',
  ReplicaSet: '/apis/apps/v1/namespaces/team/replicasets',
  EndpointSlice: '/apis/discovery.k8s.io/v1/namespaces/team/endpointslices',
}

/** The only namespace is "team": a path for all namespaces shows the same. */
const inTeam = (pathname: string): string => {
  const there = pathname.replace(/\/[^/]+$/, '/namespaces/team$&')
  return Object.values(collections).includes(there) ? there : pathname
}

export async function fakeApi(): Promise<FakeApi> {
  const objects = new Map<string, Stored>()
  const watches = new Set<{ readonly path: string; readonly name: string; res: ServerResponse }>()
  const connections = new Set<Socket>()
  const tunnels = new Set<WebSocket>()
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => offered.values().next().value ?? false,
  })
  let version = 100
  let port = 0

  const events: (readonly [version: number, collection: string, name: string, line: string])[] = []
  const tell = (type: string, collection: string, object: Stored) => {
    const line = `${JSON.stringify({ type, object })}\n`
    events.push([version, collection, object.metadata.name, line])
    for (const { path, name, res } of watches)
      if (path === collection && (!name || name === object.metadata.name)) res.write(line)
  }
  const keyOf = (kind: string, name: string) => `${collections[kind]}/${name}`
  const store = (object: Stored): Stored => {
    const { kind, metadata } = object
    const key = keyOf(kind, metadata.name)
    const resourceVersion = String(++version)
    const stored = { ...object, metadata: { ...metadata, namespace: 'team', resourceVersion } }
    tell(objects.has(key) ? 'MODIFIED' : 'ADDED', collections[kind] ?? '', stored)
    objects.set(key, stored)
    return stored
  }

  const server = createServer(async (req, res) => {
    const { pathname: asked, searchParams } = new URL(req.url ?? '', 'http://localhost')
    const pathname = inTeam(asked)
    const body = await bodyOf(req)
    const isWatch = searchParams.has('watch')
    if (!isWatch) api.requests.push(`${req.method} ${pathname}${body && ` ${body}`}`)
    const refusal = refusalOf(`${req.method} ${req.url}`)
    if (refusal) return answer(res, refusal.code, statusOf(refusal))
    if (req.method === 'POST') return answer(res, 201, api.posted(pathname, JSON.parse(body)))
    const name = searchParams.get('fieldSelector')?.split('=')[1] ?? ''
    if (Object.values(collections).includes(pathname)) {
      if (isWatch) {
        const watching = { path: pathname, name, res }
        watches.add(watching)
        res.on('close', () => watches.delete(watching))
        res.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
        // The events since the list or watch that this one continues.
        const since = Number(searchParams.get('resourceVersion') ?? version)
        for (const [at, collection, of, line] of events)
          if (at > since && collection === pathname && (!name || name === of)) res.write(line)
        return
      }
      const items = [...objects]
        .filter(([key]) => key.startsWith(`${pathname}/${name}`))
        .map(([, object]) => object)
      return answer(res, 200, { items, metadata: { resourceVersion: String(version) } })
    }
    const [, logged] = /\/pods\/([^/]+)\/log$/.exec(pathname) ?? []
    if (logged && api.logs.has(logged)) {
      res.writeHead(200, { 'content-type': 'text/plain' }).write(api.logs.get(logged))
      if (!searchParams.has('follow')) res.end()
      return
    }
    if (logged) return api.log(logged, searchParams, res)
    const found = objects.get(pathname)
    if (!found) {
      const [plural, missing] = pathname.split('/').slice(-2)
      const message = `${plural}.substratus.ai "${missing}" not found`
      return answer(res, 404, { ...statusOf({ code: 404, message }), details: { name: missing } })
    }
    if (req.method !== 'PATCH') return answer(res, 200, found)
    const patch = JSON.parse(body)
    const made = store({
      ...found,
      spec: { ...found.spec, ...patch.spec },
      metadata: {
        ...found.metadata,
        annotations: { ...found.metadata.annotations, ...patch.metadata?.annotations },
      },
    })
    await api.patched(made)
    answer(res, 200, made)
  })
  server.on('connection', (socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
  })
  server.on('upgrade', (req, socket, head) => {
    const { pathname, searchParams } = new URL(req.url ?? '', 'http://localhost')
    const [pod = '', what] = pathname.split('/').slice(-2)
    const ports = searchParams.get('ports')
    api.requests.push(`UPGRADE ${pathname}${ports === null ? '' : `?ports=${ports}`}`)
    const refusal =
      refusalOf(`UPGRADE ${pathname}`) ??
      (objects.has(keyOf('Pod', pod))
        ? undefined
        : { code: 404, message: `pods "${pod}" not found` })
    if (refusal) {
      const text = JSON.stringify(statusOf(refusal))
      socket.end(
        `HTTP/1.1 ${refusal.code} No\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`,
      )
      return
    }
    sockets.handleUpgrade(req, socket, head, (ws) => {
      if (what === 'exec') return runs(ws, api.exec(pod, searchParams.getAll('command')))
      tunnels.add(ws)
      ws.on('close', () => tunnels.delete(ws))
      if (api.cutIdleMilliseconds) cutWhenIdle(ws, api.cutIdleMilliseconds)
      forwards(ws, Number(searchParams.get('ports')), api.backend(pod))
    })
  })

  const refusalOf = (request: string) => {
    const [piece = '', refusal] = [...api.refusals].find(([one]) => request.includes(one)) ?? []
    if (refusal?.isOnce) api.refusals.delete(piece)
    return refusal
  }
  const down = async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of connections) socket.destroy()
    await closed
  }
  const up = () =>
    new Promise<void>((resolve) => {
      server.listen(port, '127.0.0.1', () => {
        port = (server.address() as AddressInfo).port
        resolve()
      })
    })
  const folder = mkdtempSync(join(tmpdir(), 'substratus-fakeapi-'))
  const api: FakeApi = {
    kubeconfig: join(folder, 'kubeconfig'),
    requests: [],
    put: (...all) => {
      for (const object of all) store(object)
    },
    remove: (kind, name) => {
      const key = keyOf(kind, name)
      const object = objects.get(key)
      objects.delete(key)
      version++
      if (object) tell('DELETED', collections[kind] ?? '', object)
    },
    get: (kind, name) => objects.get(keyOf(kind, name)),
    patched: () => {},
    posted: () => ({}),
    refusals: new Map(),
    logs: new Map(),
    exec: () => ({ out: '', code: 1 }),
    log: (_pod, _query, res) => res.end(),
    backend: () => 0,
    cut: () => {
      for (const tunnel of tunnels) tunnel.terminate()
    },
    cutIdleMilliseconds: 0,
    untaken: () => [...tunnels].reduce((bytes, { bufferedAmount }) => bytes + bufferedAmount, 0),
    freeze: () => {
      for (const tunnel of tunnels) tunnel.pause()
    },
    down,
    up,
    close: async () => {
      await down()
      rmSync(folder, { recursive: true })
    },
  }
  await up()
  writeFileSync(
    api.kubeconfig,
    JSON.stringify({
      'current-context': 'here',
      clusters: [
        {
          name: 'here',
          // The client speaks plain HTTP only where TLS would not be verified.
          cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true },
        },
      ],
      users: [{ name: 'somebody', user: {} }],
      contexts: [
        { name: 'here', context: { cluster: 'here', user: 'somebody', namespace: 'team' } },
      ],
    }),
  )
  return api
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of req) text += chunk
  return text
}

const statusOf = ({ code, message }: { readonly code: number; readonly message: string }) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  message,
})

const answer = (res: ServerResponse, code: number, body: object): void => {
  res.writeHead(code, { 'content-type': 'application/json' })
  res.end(JSON.stringify(body))
}

const frame = (stream: number, data: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from([stream]), Buffer.from(data)])

function runs(ws: WebSocket, { out, code }: ReturnType<FakeApi['exec']>): void {
  for (const part of [out].flat()) if (part) ws.send(frame(1, part))
  if (code === undefined) return
  const status = code === 0 ? 'Success' : 'Failure'
  ws.send(frame(3, JSON.stringify({ kind: 'Status', status })))
}

function cutWhenIdle(ws: WebSocket, milliseconds: number): void {
  const cutting = setTimeout(() => ws.terminate(), milliseconds)
  for (const event of ['ping', 'message']) ws.on(event, () => cutting.refresh())
  ws.on('close', () => clearTimeout(cutting))
}

/** A stream for data and one for errors, each beginning with the port's number. */
function forwards(ws: WebSocket, port: number, backend: number): void {
  const number = Buffer.from([port & 255, port >> 8])
  ws.send(frame(0, number))
  ws.send(frame(1, number))
  const socket = connect(backend, '127.0.0.1')
  socket.on('data', (data) => ws.send(frame(0, data)))
  socket.on('error', ({ message, code }: NodeJS.ErrnoException) => {
    // In the kubelet's words.
    const why =
      code === 'ECONNREFUSED' ? `dial tcp4 127.0.0.1:${port}: connect: connection refused` : message
    ws.send(frame(1, `error forwarding port ${port}: ${why}`))
  })
  socket.on('close', () => ws.close(1000))
  ws.on('message', (data) => socket.write((data as Buffer).subarray(1)))
  ws.on('close', () => socket.destroy())
  ws.on('error', () => {})
}
