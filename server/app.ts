import express, { type NextFunction, type Request, type Response } from 'express'
import type { Config } from '../crds/config.ts'
import type { Parent } from '../crds/kind.ts'
import type { Condition } from '../crds/status.ts'
import type { Hook } from '../hooks/engine/hook.ts'
import { hooks } from '../hooks/hooks.ts'
import { customizeRequest, syncRequest } from '../hooks/observe/protocol.ts'
import {
  type AdmissionReview,
  admissionRequest,
  busy,
  mutate,
  validate,
} from '../webhooks/review.ts'
import { bodies } from './bodies.ts'
import { fail } from './fail.ts'
import { type LookupLimits, limitedLookup, tooBusy } from './limits.ts'
import type { Log } from './log.ts'
import { factsFor, type Lookup } from './lookup.ts'
import type { Metrics } from './metrics.ts'
import { type Nodes, withNodes } from './nodes.ts'
import { type Pods, withPods } from './pods.ts'
import { mayBeAdmission, type Segments } from './segments.ts'
import type { Guard } from './token.ts'

export interface World {
  readonly config: Config
  readonly log: Log
  readonly metrics: Metrics
  /** All absent without a cluster: references are not checked, Pods and nodes are the request's. */
  readonly lookup?: Lookup
  readonly pods?: Pods
  readonly nodes?: Nodes
  /** Absent, the hooks answer whoever asks. */
  readonly guard?: Guard
  /** If absent, admission has its well-known paths. */
  readonly segments?: Segments
  /** Requests of hooks that are read or answered at one time; more are told to come again. */
  readonly mostUnderWay?: number
  /** The total size of all bodies that are in progress, until they are answered. */
  readonly mostBytes?: number
  readonly lookupLimits?: Partial<LookupLimits>
}

/** Four controllers of 20 workers each, as docs suggest, and room: more is a flood. */
const mostUnderWay = 128

/** Enough for two objects with all their managed fields: no real review has more. */
const review = { mostValues: 100_000, deepest: 200, scannedFrom: 32 * 1024 }
/** Enough for an object with all of its children. Hooks are answered at once, without look-ups. */
const family = { mostValues: 600_000, deepest: 200, scannedFrom: 1024 * 1024 }

/** What the one log line of a request says of it. */
interface Noted {
  kind?: string
  namespace?: string
  name?: string
  stage?: string
}

/** An answer of 200. res.json would look for settings that no route here has. */
const send = (res: Response, answer: unknown): void => {
  res.setHeader('Content-Type', 'application/json; charset=utf-8')
  res.end(JSON.stringify(answer))
}

/** Routes read, ask a pure function, answer. */
export function app(world: World): express.Express {
  const { config, metrics, lookup, pods, nodes } = world
  const server = express()
  server.disable('x-powered-by')
  server.disable('etag')
  // One spelling of each path, so that metrics have one series of it.
  server.enable('case sensitive routing')
  server.enable('strict routing')

  const { segments } = world
  if (segments)
    server.use((req, _res, next) => {
      req.url = segments.unveiled(req.url)
      next()
    })

  // With each route and not before all: Express goes through every layer of the server, at a cost.
  // For the same reason the busiest are the first, and one route serves the hooks of all kinds.
  const logging = logged(world)
  const read = bodies(world.mostBytes)
  const lookupFrom = lookup && limitedLookup(lookup, world.lookupLimits)
  const validated = read(review, (body, req, res) => {
    const request = admissionRequest(body)
    if (typeof request === 'string') return fail(res, 400, request)
    note(res, request.object ?? request.oldObject)
    const answer = (review: AdmissionReview): void => {
      count(review, request.object, metrics)
      send(res, review)
    }
    const facts = lookupFrom ? factsFor(request, lookupFrom(String(req.socket.remoteAddress))) : {}
    if (!(facts instanceof Promise)) return answer(validate(request, config, facts))
    return facts.then(
      (found) => answer(validate(request, config, found)),
      (error) => {
        if (error !== tooBusy) throw error
        answer(busy(request, config))
      },
    )
  })
  const mutated = read(review, (body, _req, res) => {
    const request = admissionRequest(body)
    if (typeof request === 'string') return fail(res, 400, request)
    note(res, request.object)
    send(res, mutate(request))
  })
  const forMetacontroller = [
    logging,
    // Before the body is read: a stranger's costs nothing.
    ...(world.guard ? [guarded(world.guard)] : []),
    bounded(world.mostUnderWay ?? mostUnderWay),
  ]
  const synced = read(family, (body, req, res) => {
    const hook = hookAsked(req)
    const request = syncRequest(body, hook.kind.kind)
    if (typeof request === 'string') return fail(res, 400, request)
    const seen = pods ? withPods(request.related, pods.of(request.parent)) : request.related
    const related = withNodes(seen, nodes?.byName())
    const answer = hook.sync(
      { ...request, related, podsMayBeMissing: pods !== undefined && !pods.isCurrent() },
      config,
      (error) => world.log.error({ err: error, path: req.path }, 'failed'),
    )
    note(res, request.parent, stageOf(answer.status))
    send(res, answer)
  })
  const customized = read(family, (body, req, res) => {
    const hook = hookAsked(req)
    const request = customizeRequest(body, hook.kind.kind)
    if (typeof request === 'string') return fail(res, 400, request)
    note(res, request.parent)
    send(res, hook.customize(request))
  })
  server.post('/admission/validate', logging, validated)
  server.post(hookRoute('sync'), forMetacontroller, synced)
  server.post('/admission/mutate', logging, mutated)
  server.post(hookRoute('customize'), forMetacontroller, customized)

  server.get('/healthz', (_req, res) => {
    res.json({ status: 'ok' })
  })
  server.get('/readyz', (_req, res) => {
    if (pods && !pods.isSynced()) return fail(res, 503, 'waiting for the first list of Pods')
    res.json({ status: 'ok' })
  })
  server.get('/metrics', async (_req, res) => {
    res.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })

  const routes = new Map<string, string>([
    ...['/healthz', '/readyz', '/metrics'].map((path): [string, string] => [path, 'GET']),
    ...[...admissionPaths, ...hookPaths(hooks)].map((path): [string, string] => [path, 'POST']),
  ])
  server.use(logging, (req, res) => {
    const method = routes.get(req.path)
    if (!method) return fail(res, 404, `no such path: ${shownPath(req.path)}`)
    res.set('Allow', method)
    fail(res, 405, `${req.path} takes ${method}, not ${req.method}`)
  })
  server.use((error: HttpError, req: Request, res: Response, _next: NextFunction) => {
    const code = error.status ?? 500
    if (code >= 500) world.log.error({ err: error, path: shownPath(req.path) }, 'failed')
    // A client that is told to retry may have disconnected already.
    if (!res.headersSent)
      fail(res, code, code >= 500 ? 'internal error: see the server’s log' : error.message)
  })
  return server
}

const admissionPaths = ['/admission/mutate', '/admission/validate']

/** An unknown path may contain the secret segment of admission, or be made to fill the log. */
const shownPath = (path: string): string =>
  mayBeAdmission(path) && !admissionPaths.includes(path) ? '/admission/…' : path.slice(0, 200)

interface HttpError extends Error {
  readonly status?: number
}

const hookByPlural: ReadonlyMap<string, Hook> = new Map(
  hooks.map((hook) => [hook.kind.plural, hook]),
)

/** The path of a hook, of every kind; the plural is the first parameter. */
const hookRoute = (verb: 'sync' | 'customize'): RegExp =>
  new RegExp(`^/hooks/(${[...hookByPlural.keys()].join('|')})/${verb}$`)

const hookAsked = (req: Request): Hook => hookByPlural.get(String(req.params[0])) as Hook

const hookPaths = (all: readonly Hook[]): readonly string[] =>
  all.flatMap(({ kind }) => ['sync', 'customize'].map((verb) => `/hooks/${kind.plural}/${verb}`))

/** The answer to a stranger does not say whether the token was wrong or not there. */
const guarded =
  (guard: Guard) =>
  (req: Request, res: Response, next: NextFunction): void => {
    if (guard(req.headers.authorization)) next()
    else {
      res.set('WWW-Authenticate', 'Bearer')
      fail(res, 401, 'the hooks ask for a token of --hook-token-file: Authorization: Bearer TOKEN')
    }
  }

/**
 * Only hook requests are shed because of their number: Metacontroller retries them, but a shed
 * admission request fails somebody's `kubectl apply`.
 */
const bounded = (most: number) => {
  let underWay = 0
  return (_req: Request, res: Response, next: NextFunction): void => {
    if (underWay >= most) {
      // Metacontroller takes an integer of at least 1.
      res.set('Retry-After', '1')
      fail(res, 429, `${most} requests are under way: ask again in a second`)
    } else {
      underWay++
      res.on('close', () => underWay--)
      next()
    }
  }
}

const note = (res: Response, parent: Parent | null | undefined, stage?: string): void => {
  const noted: Noted = res.locals
  noted.kind = loggable(parent?.kind)
  noted.namespace = loggable(parent?.metadata.namespace)
  noted.name = loggable(parent?.metadata.name)
  noted.stage = stage
}

/** Clients in the cluster network must not fill the log. */
const loggable = (name: unknown): string | undefined =>
  typeof name === 'string' ? name.slice(0, 253) : undefined

/** The reason of Ready tells where in its life an object is. */
const stageOf = (status: unknown): string | undefined =>
  (status as { conditions?: readonly Condition[] }).conditions?.find(({ type }) => type === 'Ready')
    ?.reason

const count = (review: AdmissionReview, object: Parent | null | undefined, metrics: Metrics) => {
  if (!review.response.allowed) metrics.refused.inc({ kind: object?.kind ?? 'unknown' })
}

/** One line per request, never a body. Probes and scrapes are not worth one. */
const logged =
  ({ log, metrics }: World) =>
  (req: Request, res: Response, next: NextFunction): void => {
    const start = performance.now()
    res.on('finish', () => {
      const seconds = (performance.now() - start) / 1000
      if (req.method !== 'POST') return
      // Unknown paths share one series, so that nobody can fill the memory with them.
      const route = res.statusCode === 404 ? 'unknown' : req.path
      metrics.duration.observe({ route, code: res.statusCode }, seconds)
      const { kind, namespace, name, stage }: Noted = res.locals
      log.info(
        {
          path: shownPath(req.path),
          code: res.statusCode,
          kind,
          namespace,
          name,
          stage,
          ms: Math.round(seconds * 1e5) / 100,
        },
        'answered',
      )
    })
    next()
  }
