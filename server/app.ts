import express, { type NextFunction, type Request, type Response } from 'express'
import type { Config } from '../crds/config.ts'
import type { Parent } from '../crds/kind.ts'
import type { Condition } from '../crds/status.ts'
import type { Hook } from '../hooks/hook.ts'
import { hooks } from '../hooks/hooks.ts'
import { customizeRequest, syncRequest } from '../hooks/protocol.ts'
import type { Facts } from '../webhooks/facts.ts'
import { type AdmissionReview, admissionRequest, mutate, validate } from '../webhooks/review.ts'
import type { Log } from './log.ts'
import { factsFor, type Lookup } from './lookup.ts'
import type { Metrics } from './metrics.ts'
import { type Nodes, withNodes } from './nodes.ts'
import { type Pods, withPods } from './pods.ts'
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
  /** Requests of hooks that are read or answered at one time; more are told to come again. */
  readonly mostUnderWay?: number
}

/** Four controllers of 20 workers each, as docs suggest, and room: more is a flood. */
const mostUnderWay = 128

/** Metacontroller sends whole objects; more than this is no request of its. */
const largestBody = '7mb'

/** What the one log line of a request says of it. */
interface Noted {
  kind?: string
  namespace?: string
  name?: string
  stage?: string
}

const fail = (res: Response, code: number, message: string): void => {
  res.status(code).json({ message })
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

  // With each route and not before all: Express goes through every layer of the server, at a cost.
  // For the same reason the busiest are the first, and one route serves the hooks of all kinds.
  const logging = logged(world)
  server.post('/admission/validate', logging, smallJson, (req: Request, res: Response) => {
    const request = admissionRequest(req.body)
    if (typeof request === 'string') return fail(res, 400, request)
    note(res, request.object ?? request.oldObject)
    const answer = (facts: Facts): void => {
      const review = validate(request, config, facts)
      count(review, request.object, metrics)
      send(res, review)
    }
    const facts = lookup ? factsFor(request, lookup) : {}
    return facts instanceof Promise ? facts.then(answer) : answer(facts)
  })

  const forMetacontroller = [
    logging,
    // Before the body is read: a stranger's costs nothing.
    ...(world.guard ? [guarded(world.guard)] : []),
    bounded(world.mostUnderWay ?? mostUnderWay),
    largeJson,
  ]
  server.post(hookRoute('sync'), forMetacontroller, (req: Request, res: Response) => {
    const hook = hookAsked(req)
    const request = syncRequest(req.body, hook.kind.kind)
    if (typeof request === 'string') return fail(res, 400, request)
    const seen = pods ? withPods(request.related, pods.of(request.parent)) : request.related
    const related = withNodes(seen, nodes?.byName())
    const answer = hook.sync({ ...request, related }, config, (error) =>
      world.log.error({ err: error, path: req.path }, 'failed'),
    )
    note(res, request.parent, stageOf(answer.status))
    send(res, answer)
  })
  server.post('/admission/mutate', logging, smallJson, (req: Request, res: Response) => {
    const request = admissionRequest(req.body)
    if (typeof request === 'string') return fail(res, 400, request)
    note(res, request.object)
    send(res, mutate(request))
  })
  server.post(hookRoute('customize'), forMetacontroller, (req: Request, res: Response) => {
    const hook = hookAsked(req)
    const request = customizeRequest(req.body, hook.kind.kind)
    if (typeof request === 'string') return fail(res, 400, request)
    note(res, request.parent)
    send(res, hook.customize(request))
  })

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
    ...['/admission/mutate', '/admission/validate', ...hookPaths(hooks)].map(
      (path): [string, string] => [path, 'POST'],
    ),
  ])
  server.use(logging, (req, res) => {
    const method = routes.get(req.path)
    if (!method) return fail(res, 404, `no such path: ${req.path}`)
    res.set('Allow', method)
    fail(res, 405, `${req.path} takes ${method}, not ${req.method}`)
  })
  server.use((error: HttpError, req: Request, res: Response, _next: NextFunction) => {
    const code = error.status ?? 500
    if (code >= 500) world.log.error({ err: error, path: req.path }, 'failed')
    fail(res, code, code === 413 ? 'the body is larger than 7 MiB' : wordsFor(error, code))
  })
  return server
}

interface HttpError extends Error {
  readonly status?: number
  readonly type?: string
}

const noJson = ({ message }: Error): string => `the body is no JSON: ${message}`

const wordsFor = (error: HttpError, code: number): string => {
  if (error.type === 'entity.parse.failed') return noJson(error)
  return code >= 500 ? 'internal error: see the server’s log' : error.message
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
 * Bodies that are read at one time have a bound, or a flood of them would take all memory. It is for
 * hooks alone, which Metacontroller asks again: admission would fail what a person applies.
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

// limit counts bytes after inflating, so that a small body cannot become a huge one.
const bodies = { limit: largestBody, type: () => true }
const large = express.json({ ...bodies, strict: false })
const small = express.raw(bodies)

/** A body of another type is not read. A missing type is taken for JSON by nobody: curl's default is a form. */
const onlyJson =
  (read: express.RequestHandler): express.RequestHandler =>
  (req, res, next) => {
    const type = req.headers['content-type'] ?? ''
    if (/^application\/json\s*(;|$)/i.test(type)) read(req, res, next)
    else fail(res, 415, `the body must be application/json, not ${type || 'untyped'}`)
  }

/** Bodies of the hooks, with all children in them. */
const largeJson = onlyJson(large)

/** One object, read as bytes: express.json pays for large bodies, and is a tenth of an admission dearer. */
const smallJson = onlyJson((req, res, next) =>
  small(req, res, (error) => {
    if (error) return next(error)
    try {
      req.body = JSON.parse(String(req.body ?? ''))
    } catch (error) {
      return fail(res, 400, noJson(error as Error))
    }
    next()
  }),
)

const note = (res: Response, parent: Parent | null | undefined, stage?: string): void => {
  const noted: Noted = res.locals
  noted.kind = parent?.kind
  noted.namespace = parent?.metadata.namespace
  noted.name = parent?.metadata.name
  noted.stage = stage
}

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
          path: req.path,
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
