import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { boundConnections } from '../cluster/connections.ts'
import type { Cluster } from '../cluster/kubeconfig.ts'
import { kinds } from '../crds/kinds.ts'
import { namingFields } from '../crds/references.ts'
import { bodyOf, sendJson, sendStatus } from './answers.ts'
import { bodyFrom } from './body.ts'
import { refusedCaller } from './caller.ts'
import type { Feed } from './feed.ts'
import type { PageFile } from './files.ts'
import { pageHeaders } from './headers.ts'
import { pass } from './passed.ts'
import { type Route, routesOf } from './route.ts'
import type { Session } from './wire.ts'

/**
 * The local part of the page: an HTTP server on loopback.
 *
 *     route (what) ──▶ caller (who) ──▶ files, objects from watches, the API server, the gateway
 */

export interface LocalOptions {
  readonly cluster: Cluster
  readonly files: ReadonlyMap<string, PageFile>
  readonly feed: Feed
  /** Answers requests for models. */
  readonly gateway: (req: IncomingMessage, res: ServerResponse) => void
  /** Opens an object in the person's browser. */
  readonly open: (plural: string, name: string) => void
  readonly port: number
}

export interface Local {
  /** Where the page is, with the token. */
  readonly address: string
  readonly close: () => Promise<void>
}

/** A browser opens six. Any program on this machine can connect, even without the token. */
export const mostConnections = 128

/** Resolves once it listens; rejects if the port cannot be had. */
export async function localPart(options: LocalOptions): Promise<Local> {
  const token = randomBytes(24).toString('base64url')
  const server = createServer({ requestTimeout: 60_000 }, handlerOf(options, token))
  boundConnections(server, mostConnections)
  // Without a listener, Node would answer an upgrade as an ordinary request.
  server.on('upgrade', (_req, socket) => {
    socket.on('error', () => {})
    socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')
  })
  await listening(server, options.port)
  const { port } = server.address() as AddressInfo
  return {
    // Browsers send no fragment to any server, and none in Referer.
    address: `http://127.0.0.1:${port}/#token=${token}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const listening = (server: Server, port: number) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })

function handlerOf(options: LocalOptions, token: string) {
  const { namespace } = options.cluster
  const routeTo = routesOf(namespace)
  return (req: IncomingMessage, res: ServerResponse): void => {
    for (const [name, value] of Object.entries(pageHeaders)) res.setHeader(name, value)
    const route = routeTo(req.method ?? '', req.url ?? '')
    // A caller that may not ask learns nothing about what is here.
    const asked = 'to' in route ? route : ({ to: 'session' } as const)
    const refused =
      refusedCaller(headersOf(req), token, asked) ?? ('to' in route ? undefined : route)
    if (refused) {
      // What else the caller sends is not read.
      res.setHeader('connection', 'close')
      sendStatus(res, refused.code, refused.message)
    } else answer(options, asked, req, res).catch(() => res.destroy())
  }
}

/** Of two names of a host, neither is believed. */
const headersOf = ({ headers, headersDistinct }: IncomingMessage) =>
  headersDistinct.host?.length === 1 ? headers : { ...headers, host: undefined }

async function answer(
  options: LocalOptions,
  route: Route,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const { cluster, files, feed, gateway, open } = options
  switch (route.to) {
    case 'file': {
      const file = files.get(route.path)
      if (!file) return sendStatus(res, 404, 'the page has no such file')
      return void res.writeHead(200, { 'content-type': file.type }).end(file.bytes)
    }
    case 'session':
      return sendJson(res, 200, sessionOf(cluster))
    case 'schema': {
      const kind = kinds.find(({ plural }) => plural === route.plural)
      return sendJson(res, 200, { spec: kind?.spec, status: kind?.status })
    }
    case 'objects': {
      res.writeHead(200, { 'content-type': 'application/x-ndjson' })
      const stop = feed.read(res)
      res.on('close', stop)
      return
    }
    case 'open':
      open(route.plural, route.name)
      return sendJson(res, 202, {})
    case 'gateway':
      return gateway(req, res)
    case 'cluster':
      return passOn(cluster, route, req, res)
  }
}

async function passOn(
  { kubeConfig, namespace }: Cluster,
  { path, body: kind }: Extract<Route, { to: 'cluster' }>,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const method = req.method ?? ''
  if (!kind) return pass(kubeConfig, { method, path }, res)
  const text = await bodyOf(req)
  if (text === undefined) {
    res.setHeader('connection', 'close')
    return sendStatus(res, 413, 'the body is larger than what the page sends')
  }
  const read = bodyFrom(kind, text, namespace)
  if ('wrong' in read) return sendStatus(res, 400, read.wrong)
  return pass(kubeConfig, { method, path, body: read.body }, res)
}

const sessionOf = ({ kubeConfig, namespace }: Cluster): Session => ({
  namespace,
  context: kubeConfig.getCurrentContext(),
  kinds: kinds.map((one) => ({
    kind: one.kind,
    plural: one.plural,
    singular: one.singular,
    references: namingFields(one).map(({ field, kind }) => ({ field, kind })),
  })),
})
