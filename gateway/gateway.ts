import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { type Body, bodyReader } from './bodies.ts'
import { requestHeaders } from './core/headers.ts'
import { refusedAsPage } from './core/local.ts'
import { listOf, modelNamed } from './core/models.ts'
import { nearTo } from './core/names.ts'
import { baseOf, isAboutModels, type Route, routeOf } from './core/path.ts'
import { type Refusal, refusals } from './core/refusals.ts'
import { usageIn } from './core/usage.ts'
import { endingWith } from './ending.ts'
import { type Held, holder } from './hold.ts'
import type { CheckKey } from './keys.ts'
import type { GatewayMetrics } from './metrics.ts'
import { Refused, refuse, sendJson } from './refused.ts'
import { roomsOf } from './room.ts'
import { turnsByModel } from './turns.ts'
import { type Answered, type Connect, upstreams } from './upstreams.ts'
import type { GatewayLog, Limits, World } from './world.ts'

export interface GatewayOptions {
  readonly world: World
  /** Absent: everybody may use every model. */
  readonly checkKey?: CheckKey
  readonly limits: Limits
  readonly metrics: GatewayMetrics
  readonly log: GatewayLog
  /** The gateway of one person: for programs of this machine, and for one namespace, not in the paths. */
  readonly local?: { readonly namespace: string }
  /** How to reach a replica; absent: by the network. */
  readonly connect?: Connect
}

/** How often the series of models that are gone are removed. */
const forgetMilliseconds = 60_000

/** For so long, a request finds another place after connections that were refused. */
const refusedMilliseconds = 30_000

/** What is known of a request at its end, for the log and the metrics. */
interface Facts {
  /** Absent if the path has none. */
  namespace?: string
  user?: string
  model?: string
  server?: string
  held?: number
  readonly began: number
}

/**
 * Answers requests:
 *
 *     path ──▶ key ──▶ body ──▶ hold until a replica is ready ──▶ send ──▶ pass the answer on
 *                                    ▲                              │
 *                                    └────── connection refused ────┘
 *
 * Nothing else is repeated, because it may have had an effect.
 */
export function gateway(options: GatewayOptions) {
  const { world, checkKey, limits, metrics, log, local, connect } = options
  const readBody = bodyReader(limits)
  const places = roomsOf(limits.allRequests, refusals.tooManyIn)
  const servers = upstreams(connect)
  const find = holder(world, servers.load)
  const underWay = new Map<string, number>()
  /** How to refuse a request whose body cannot be read to its end. */
  const breaking = new WeakMap<IncomingMessage, (refusal: Refusal) => void>()
  const turns = turnsByModel()
  let open = 0

  /** Counts the request among those of its model; returns how to end that. */
  function enter(namespace: string, model: string): () => void {
    const names = world.namesIn(namespace)
    if (!names) throw new Refused(refusals.starting())
    if (!names.has(model))
      throw new Refused(refusals.wrongModel(model, namespace, nearTo(model, names)))
    const key = `${namespace}/${model}`
    const before = underWay.get(key) ?? 0
    if (before >= limits.perModel) throw new Refused(refusals.tooMany(model, limits.perModel))
    underWay.set(key, before + 1)
    metrics.underWay.inc({ namespace, model })
    return () => {
      const left = (underWay.get(key) ?? 1) - 1
      if (left) underWay.set(key, left)
      else underWay.delete(key)
      metrics.underWay.dec({ namespace, model })
    }
  }

  async function proxied(
    req: IncomingMessage,
    res: ServerResponse,
    route: Route,
    facts: Facts,
    gone: AbortSignal,
  ): Promise<Answered> {
    const place = places(route.namespace)
    place.take(1)
    try {
      const body = await readBody(req, route)
      try {
        const leave = enter(route.namespace, body.model)
        facts.model = body.model
        try {
          return await answered(req, res, route, body, facts, gone)
        } finally {
          leave()
        }
      } finally {
        await body.discard()
      }
    } finally {
      place.give(1)
    }
  }

  async function answered(
    req: IncomingMessage,
    res: ServerResponse,
    { namespace, path, query }: Route,
    body: Body,
    facts: Facts,
    gone: AbortSignal,
  ): Promise<Answered> {
    const { model, key } = body
    const began = performance.now()
    const patience = { until: began + limits.holdSeconds * 1000, signal: gone }
    let refusedSince: number | undefined
    for (;;) {
      const turn = key === undefined ? turns.next(namespace, model) : 0
      const place = await find({ namespace, model, key, turn }, patience)
      facts.server = place.server.name
      facts.held = performance.now() - began
      if (place.hasWoken) metrics.wake.observe({ namespace, model }, facts.held / 1000)
      const sentAt = Date.now()
      const ending = endingWith(gone, limits.answerSeconds * 1000)
      const request = {
        address: place.address,
        prefix: local ? '' : `/${namespace}`,
        method: req.method ?? 'POST',
        path: `${path}${query}`,
        headers: requestHeaders(req.headers),
        body: body.sentTo({ knows: place.knows, lora: place.server.lora }),
      }
      const result = await servers.send(request, res, ending.signal).finally(ending.stop)
      if (result.is === 'answered') {
        if (result.firstByteAt !== undefined)
          metrics.firstByte.observe({ namespace, model }, (result.firstByteAt - sentAt) / 1000)
        return result
      }
      gone.throwIfAborted()
      if (result.is === 'failed' && ending.signal.aborted)
        throw new Refused(refusals.tooLate(place.server, limits.answerSeconds))
      refusedSince ??= performance.now()
      const isOver = performance.now() - refusedSince > refusedMilliseconds
      if (result.is === 'failed' || isOver) throw unreachable(place, result.why)
    }
  }

  /** Answers what is asked about models, or passes the request on. */
  async function answer(
    req: IncomingMessage,
    res: ServerResponse,
    facts: Facts,
    route: Route,
    gone: AbortSignal,
  ): Promise<Answered | undefined> {
    const { namespace, path } = route
    if (checkKey)
      facts.user = await checkKey(
        req.headers.authorization,
        namespace,
        req.socket.remoteAddress ?? '',
      )
    gone.throwIfAborted()
    if (!isAboutModels(req.method, path)) return proxied(req, res, route, facts, gone)
    const names = world.namesIn(namespace)
    if (!names) throw new Refused(refusals.starting())
    const name = decoded(path.slice('/v1/models/'.length))
    const found = name ? modelNamed(name, names) : listOf(names)
    if (!found) throw new Refused(refusals.wrongModel(name, namespace, nearTo(name, names)))
    sendJson(req, res, 200, found)
    return undefined
  }

  function ended(facts: Facts, code: number, result?: Answered, why?: string): void {
    const { model = '' } = facts
    // Anybody can make up a namespace: only one with models is a label.
    const { namespace: named = '' } = facts
    const namespace = named && world.namesIn(named)?.size ? named : ''
    metrics.requests.inc({ namespace, model, code: codeLabel(code) })
    const whole = result?.is === 'answered' ? result : undefined
    const usage = whole && usageIn(whole.ends)
    if (usage) {
      metrics.tokens.inc({ namespace, model, kind: 'prompt' }, usage.prompt)
      metrics.tokens.inc({ namespace, model, kind: 'completion' }, usage.completion)
    }
    log.info(
      {
        namespace: facts.namespace,
        model: facts.model,
        server: facts.server,
        user: facts.user,
        status: code,
        ms: Math.round(performance.now() - facts.began),
        heldMs: facts.held === undefined ? undefined : Math.round(facts.held),
        bytes: whole?.bytes,
        ...(whole && !whole.isWhole && { cut: true }),
        ...(why && { why }),
      },
      'request',
    )
  }

  /** Where a request goes; throws the refusal of one that goes nowhere. */
  function routeFor(req: IncomingMessage): Route {
    if (req.httpVersion === '1.1' && req.headers.host === undefined)
      throw new Refused(refusals.noHost())
    if (req.headers.expect !== undefined && !/^100-continue$/i.test(req.headers.expect))
      throw new Refused(refusals.unmetExpectation())
    const asPage = local && refusedAsPage(req.headers)
    if (asPage) throw new Refused(asPage)
    const route = routeOf(req.method, req.url ?? '', local?.namespace)
    if ('refusal' in route) throw new Refused(route.refusal)
    return route
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    open++
    res.on('close', () => open--)
    const going = new AbortController()
    res.on('close', () => res.writableFinished || going.abort(new Error('the client went away')))
    // A broken connection is told by the response, too.
    req.on('error', () => {})
    res.on('error', () => {})
    const broken = new Promise<never>((_, reject) => {
      breaking.set(req, (refusal) => reject(new Refused(refusal)))
    })
    const facts: Facts = { began: performance.now() }
    try {
      const route = routeFor(req)
      facts.namespace = route.namespace
      const result = await Promise.race([answer(req, res, facts, route, going.signal), broken])
      ended(facts, going.signal.aborted ? goneCode : res.statusCode, result)
    } catch (error) {
      const isGone = going.signal.aborted || req.errored || res.destroyed
      if (isGone || res.headersSent) return ended(facts, goneCode)
      const refusal = error instanceof Refused ? error.refusal : bug(error)
      refuse(req, res, refusal)
      ended(facts, refusal.status, undefined, whyIn(refusal))
    }
  }

  /** Anybody who may create ModelServers can make up names, one after the other. */
  const isGone = (namespace: string, model: string): boolean => {
    const names = world.namesIn(namespace)
    if (!namespace || !names || underWay.has(`${namespace}/${model}`)) return false
    return model ? !names.has(model) : !names.size
  }
  const forgetting = setInterval(() => {
    turns.forget(isGone)
    metrics.forget(isGone).catch(bug)
  }, forgetMilliseconds)
  forgetting.unref()

  function bug(error: unknown): Refusal {
    log.warn({ err: error }, 'a request failed')
    return { status: 500, type: 'server_error', code: 'internal', message: 'the gateway failed' }
  }

  return {
    handle: (req: IncomingMessage, res: ServerResponse): void => {
      handle(req, res).catch((error) => {
        bug(error)
        res.destroy()
      })
    },
    /** Refuses a request whose body breaks off or is not valid HTTP. */
    breakOff: (req: IncomingMessage, refusal: Refusal): void => breaking.get(req)?.(refusal),
    /** Logs and counts what was answered where there was no request yet. */
    answered: ({ status, code }: Refusal): void =>
      ended({ began: performance.now() }, status, undefined, code),
    /** The base address that a refused CONNECT is told. */
    base: baseOf(local?.namespace),
    /** How many requests are held or being answered; an answer ends when its last byte is sent. */
    underWay: () => open,
    close: async (): Promise<void> => {
      clearInterval(forgetting)
      await servers.close()
    },
  }
}

/** For the log: what is wrong with a request may quote it, and what is wrong here does not. */
const whyIn = ({ status, code, message }: Refusal): string => (status < 500 ? code : message)

/** nginx's code for a client that has gone; nobody receives it. */
const goneCode = 499

/** A server may answer with any number: only those that mean something are labels. */
const codeLabel = (code: number): string =>
  code in STATUS_CODES || code === goneCode ? String(code) : `${Math.floor(code / 100)}xx`

const unreachable = ({ server }: Held, why: string): Refused =>
  new Refused(refusals.unreachable(server, why))

/** The name of a model in a path; one that is not encoded well is nobody's. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
