import express, { type NextFunction, type Request, type Response } from 'express'
import type { Config } from '../crds/config.ts'
import type { Parent } from '../crds/kind.ts'
import type { Condition } from '../crds/status.ts'
import type { Hook } from '../hooks/engine/hook.ts'
import { hooks } from '../hooks/hooks.ts'
import { customizeRequest, syncRequest } from '../hooks/observe/protocol.ts'
import type { Reporting } from '../hooks/progress/address.ts'
import {
  type AdmissionReview,
  admissionRequest,
  busy,
  mutate,
  validate,
} from '../webhooks/review.ts'
import { noUsers } from '../webhooks/users.ts'
import { type Admissions, withAdmissions } from './admissions.ts'
import { bodies } from './bodies.ts'
import { hookLimits, reviewLimits } from './bodylimits.ts'
import { type Events, withEvents } from './events.ts'
import { fail } from './fail.ts'
import { type LookupLimits, limitedLookup, tooBusy } from './limits.ts'
import type { Log } from './log.ts'
import { type FindServers, factsFor, type Lookup } from './lookup.ts'
import type { Metrics } from './metrics.ts'
import { type Nodes, withNodes } from './nodes.ts'
import { type Pods, withPods } from './pods.ts'
import type { Reports } from './progress/reports.ts'
import { readyEvent } from './readyevent.ts'
import { mayBeAdmission, type Segments } from './segments.ts'
import type { Story } from './story.ts'
import type { Guard } from './token.ts'
import { type FindUsers, usersFor } from './users.ts'
import { obstacleIn, watchesInWords } from './watches.ts'

export interface AppOptions {
  readonly config: Config
  readonly log: Log
  readonly metrics: Metrics
  /** All absent without a cluster: references are not checked; Pods and the rest come from requests. */
  readonly lookup?: Lookup
  readonly servers?: FindServers
  readonly users?: FindUsers
  readonly pods?: Pods
  readonly nodes?: Nodes
  readonly events?: Events
  readonly admissions?: Admissions
  /** Where work reports its progress, and its last reports; if absent, it reports none. */
  readonly progress?: { readonly reporting: () => Reporting; readonly reports: Pick<Reports, 'of'> }
  /** The time in RFC 3339, for conditions; if absent, conditions get none. */
  readonly now?: () => string
  /** Gets an Event for each change of Ready; if absent, none is written. */
  readonly story?: Story
  /** If absent, the hooks answer any client. */
  readonly guard?: Guard
  /** If absent, admission has its well-known paths. */
  readonly segments?: Segments
  /** How many hook requests may be in progress at a time; others are told to retry. */
  readonly maxHooksInProgress?: number
  /** The total size of all bodies that are in progress, until they are answered. */
  readonly maxBytes?: number
  readonly lookupLimits?: Partial<LookupLimits>
}

/** More than four controllers of 20 workers each, as the docs suggest, ever send. */
const maxHooksInProgress = 128

/** For a deletion, look-ups only add a warning, so most are left to the requests that depend on them. */
const deletionLimits = { perSecond: 10, burst: 20, atOnce: 4, atOnceFromOne: 4, waiting: 10 }

/** What the log line of a request contains besides path and code. */
interface LogFields {
  kind?: string
  namespace?: string
  name?: string
  stage?: string
}

/** What the response says if an error follows; the log has the error itself. */
interface Failing {
  failure?: string
}

/** Sends a response with status 200. res.json would look up settings that no route here uses. */
const send = (res: Response, answer: unknown): void => {
  res.setHeader('Content-Type', 'application/json; charset=utf-8')
  res.end(JSON.stringify(answer))
}

/** Each route reads a request, calls a pure function, and responds. */
export function app(options: AppOptions): express.Express {
  const { config, metrics, lookup, servers, users, pods, nodes, events, now } = options
  const server = express()
  server.disable('x-powered-by')
  server.disable('etag')
  // Each path has one spelling, so that it has one series in the metrics.
  server.enable('case sensitive routing')
  server.enable('strict routing')

  const { segments } = options
  if (segments)
    server.use((req, _res, next) => {
      req.url = segments.withoutSegment(req.url)
      next()
    })

  // Middleware is added to each route instead of the server, because Express walks every layer at a cost.
  // For the same reason the busiest routes come first, and one route serves the hooks of all kinds.
  const logging = logRequest(options)
  const read = bodies(options.maxBytes)
  const lookupFrom = lookup && limitedLookup(lookup, options.lookupLimits)
  const serversFrom = servers && limitedLookup(servers, options.lookupLimits)
  const usersFrom = users && limitedLookup(users, deletionLimits)
  const validated = read(reviewLimits, (body, req, res) => {
    const request = admissionRequest(body)
    if (typeof request === 'string') return fail(res, 400, request)
    setLogFields(res, request.object ?? request.oldObject)
    const answer = (review: AdmissionReview): void => {
      count(review, request.object, metrics)
      send(res, review)
    }
    const client = String(req.socket.remoteAddress)
    const found = usersFrom ? usersFor(request, usersFrom(client)) : noUsers
    if (found instanceof Promise)
      return found.then((known) => answer(validate(request, config, {}, { users: known })))
    const around = { nodes: nodes?.facts() }
    const facts = lookupFrom
      ? factsFor(request, lookupFrom(client), { servers: serversFrom?.(client) })
      : {}
    if (!(facts instanceof Promise)) return answer(validate(request, config, facts, around))
    return facts.then(
      (found) => answer(validate(request, config, found, around)),
      (error) => {
        if (error !== tooBusy) {
          const failing: Failing = res.locals
          failing.failure = 'the references cannot be looked up: apply again in a few seconds'
          throw error
        }
        answer(busy(request, config, around))
      },
    )
  })
  const mutated = read(reviewLimits, (body, _req, res) => {
    const request = admissionRequest(body)
    if (typeof request === 'string') return fail(res, 400, request)
    setLogFields(res, request.object)
    send(res, mutate(request))
  })
  const start = performance.now()
  const watches = [pods, nodes, events].flatMap((known) => known?.watch ?? [])
  const obstacle = () => obstacleIn(watches, (performance.now() - start) / 1000)
  const beforeHooks = [
    logging,
    closeUnlessReady(obstacle),
    // Before the body is read, so that requests without a token cost nothing.
    ...(options.guard ? [requireToken(options.guard)] : []),
    limitInProgress(options.maxHooksInProgress ?? maxHooksInProgress),
  ]
  const synced = read(hookLimits, (body, req, res) => {
    const hook = requestedHook(req)
    const request = syncRequest(body, hook.kind.kind)
    if (typeof request === 'string') return fail(res, 400, request)
    const seen = pods ? withPods(request.related, pods.of(request.parent)) : request.related
    const noted = withEvents(withNodes(seen, nodes?.byName()), request, events)
    const related = withAdmissions(noted, request, options.admissions)
    const answer = hook.sync(
      {
        ...request,
        related,
        podsMayBeMissing: pods !== undefined && !pods.isCurrent(),
        podsSilentSince: request.related['Pod.v1'] ? undefined : pods?.silentSince(),
        ...(now && { now: now() }),
        nodes: nodes?.facts(),
        reporting: options.progress?.reporting(),
        reports: options.progress?.reports.of(request.parent.metadata.uid),
      },
      config,
      (error) => options.log.error({ err: error, path: req.path }, 'failed'),
    )
    const reason = stageOf(answer.status)
    const { resyncAfterSeconds = 0 } = answer
    metrics.pending.answered(request.parent, reason === 'UpdatePending', resyncAfterSeconds)
    setLogFields(res, request.parent, reason)
    send(res, answer)
    const event = options.story && readyEvent(request.parent, answer.status)
    if (event) options.story?.tell(event)
  })
  const customized = read(hookLimits, (body, req, res) => {
    const hook = requestedHook(req)
    const request = customizeRequest(body, hook.kind.kind)
    if (typeof request === 'string') return fail(res, 400, request)
    setLogFields(res, request.parent)
    send(res, hook.customize(request))
  })
  server.post('/admission/validate', logging, validated)
  server.post(hookRoute('sync'), beforeHooks, synced)
  server.post('/admission/mutate', logging, mutated)
  server.post(hookRoute('customize'), beforeHooks, customized)

  server.get('/healthz', (_req, res) => {
    res.json({ status: 'ok' })
  })
  server.get('/readyz', (_req, res) => {
    const awaited = obstacle()
    if (awaited) return fail(res, 503, awaited)
    res.json({ status: 'ok', ...(watches.length && { watches: watchesInWords(watches) }) })
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
    if (code >= 500) options.log.error({ err: error, path: shownPath(req.path) }, 'failed')
    const { failure = 'internal error: see the server’s log' }: Failing = res.locals
    // A client that is told to retry may have disconnected already.
    if (!res.headersSent) fail(res, code, code >= 500 ? failure : error.message)
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

const requestedHook = (req: Request): Hook => hookByPlural.get(String(req.params[0])) as Hook

const hookPaths = (all: readonly Hook[]): readonly string[] =>
  all.flatMap(({ kind }) => ['sync', 'customize'].map((verb) => `/hooks/${kind.plural}/${verb}`))

/**
 * A server that is not ready gets no new connections, but Metacontroller would go on using its open ones.
 * It is told to close them, so that it connects to another server.
 */
const closeUnlessReady =
  (obstacle: () => string | undefined) =>
  (_req: Request, res: Response, next: NextFunction): void => {
    if (obstacle()) res.set('Connection', 'close')
    next()
  }

/** The response does not reveal whether the token was wrong or missing. */
const requireToken =
  (guard: Guard) =>
  (req: Request, res: Response, next: NextFunction): void => {
    if (guard(req.headers.authorization)) next()
    else {
      res.set('WWW-Authenticate', 'Bearer')
      fail(res, 401, 'the hooks ask for a token of --hook-token-file: Authorization: Bearer TOKEN')
    }
  }

/**
 * Only hook requests are limited in number: Metacontroller retries them, but rejecting an admission
 * request would fail a user's `kubectl apply`.
 */
const limitInProgress = (max: number) => {
  let inProgress = 0
  return (_req: Request, res: Response, next: NextFunction): void => {
    if (inProgress >= max) {
      // Metacontroller takes an integer of at least 1.
      res.set('Retry-After', '1')
      fail(res, 429, `${max} requests are under way: ask again in a second`)
    } else {
      inProgress++
      res.on('close', () => inProgress--)
      next()
    }
  }
}

const setLogFields = (res: Response, parent: Parent | null | undefined, stage?: string): void => {
  const fields: LogFields = res.locals
  fields.kind = loggable(parent?.kind)
  fields.namespace = loggable(parent?.metadata.namespace)
  fields.name = loggable(parent?.metadata.name)
  fields.stage = stage
}

/** Clients in the cluster network must not fill the log. */
const loggable = (name: unknown): string | undefined =>
  typeof name === 'string' ? name.slice(0, 253) : undefined

/** The reason of the Ready condition, which shows the state of the object. */
const stageOf = (status: unknown): string | undefined =>
  (status as { conditions?: readonly Condition[] }).conditions?.find(({ type }) => type === 'Ready')
    ?.reason

const count = (review: AdmissionReview, object: Parent | null | undefined, metrics: Metrics) => {
  if (!review.response.allowed) metrics.refused.inc({ kind: object?.kind ?? 'unknown' })
}

/** Logs one line per request, never a body, and none for probes and scrapes. */
const logRequest =
  ({ log, metrics }: AppOptions) =>
  (req: Request, res: Response, next: NextFunction): void => {
    const start = performance.now()
    res.on('finish', () => {
      const seconds = (performance.now() - start) / 1000
      if (req.method !== 'POST') return
      // Unknown paths share one series, so that clients cannot fill the memory with them.
      const route = res.statusCode === 404 ? 'unknown' : req.path
      metrics.duration.observe({ route, code: res.statusCode }, seconds)
      const { kind, namespace, name, stage }: LogFields = res.locals
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
