import type { Cluster } from '../cluster/kubeconfig.ts'
import { refusalOf } from '../cluster/refusal.ts'
import { kinds } from '../crds/kinds.ts'
import { gateway } from '../gateway/gateway.ts'
import { gatewayMetrics } from '../gateway/metrics.ts'
import { defaultLimits } from '../gateway/world.ts'
import { oneTimeAddressFor } from '../open/browser.ts'
import { portRefused } from '../open/forward.ts'
import { type LiveLine, liveLine } from '../open/liveline.ts'
import { localWorld, podAt } from '../open/localworld.ts'
import { type Edges, open } from '../open/open.ts'
import { podStream } from '../open/podstream.ts'
import { filesOf } from './files.ts'
import { type Local, localPart } from './local.ts'
import { observed } from './observed.ts'

export interface UiOptions {
  readonly cluster: Cluster
  readonly port?: number
  readonly browser: boolean
  /** The folder of the built page. */
  readonly page: string
}

type UiEdges = Pick<Edges, 'stdout' | 'stderr' | 'interrupted' | 'browse' | 'now'>

const usualPort = 8899
/** As in `kubectl open models`. */
const pingMilliseconds = 20_000

/** Serves the page to the person's browser until Ctrl-C; returns the exit code. */
export async function ui(options: UiOptions, edges: UiEdges): Promise<number> {
  const { cluster } = options
  const line = liveLine(edges.stderr)
  const ending = new AbortController()
  const interrupted = edges.interrupted()
  const models = modelsOf(cluster, line, ending.signal)
  let local: Local | undefined
  try {
    const parts = {
      cluster,
      files: filesOf(options.page),
      feed: observed(cluster, ending.signal),
      gateway: models.handle,
      open: opener(options, edges, line, ending.signal),
    }
    local = await at(options.port, (port) => localPart({ ...parts, port }))
    const closeOnce = await announce(local.address, options, edges, line)
    await interrupted
    closeOnce?.()
    line.say('the page is closed; all objects are left as they are')
    return 0
  } catch (error) {
    line.say(`error: ${refusalOf(error).message}`)
    return 1
  } finally {
    ending.abort()
    await local?.close()
    await models.close()
  }
}

/** The port that the person asked for; else the usual one, or a free one. */
async function at(port: number | undefined, start: (port: number) => Promise<Local>) {
  try {
    return await start(port ?? usualPort)
  } catch (error) {
    if (port !== undefined) throw portRefused(port, error)
    return start(0)
  }
}

/** The address has the token: a browser gets another one, which works once. */
async function announce(
  address: string,
  { cluster: { namespace }, browser }: UiOptions,
  edges: UiEdges,
  line: LiveLine,
): Promise<(() => void) | undefined> {
  const shown = address.replace(/#.*$/, '')
  if (!browser) {
    line.say(`Ctrl-C ends; the page of namespace "${namespace}" is`)
    edges.stdout.write(`${address}\n`)
    return undefined
  }
  const once = await oneTimeAddressFor(address)
  try {
    await edges.browse(once.address)
    line.say(`${shown}, the page of namespace "${namespace}", is open in your browser; Ctrl-C ends`)
  } catch (error) {
    line.say(
      `no browser can be started (${refusalOf(error).message}): open ${once.address}, which works once`,
    )
  }
  return once.close
}

/** The gateway of `kubectl open models`, without a port of its own. */
function modelsOf(cluster: Cluster, line: LiveLine, signal: AbortSignal) {
  const world = localWorld(
    cluster,
    {
      foreign: (server, pod) => line.say(`Pod "${pod}" is not of ModelServer "${server}": ignored`),
      // The page tells of both.
      troubled: () => {},
      recovered: () => {},
    },
    signal,
  )
  // The page tells why the servers cannot be read; a question is then answered with a refusal.
  world.known.catch(() => {})
  return gateway({
    world,
    local: { namespace: cluster.namespace },
    connect: (address) => podStream(cluster, podAt(address), pingMilliseconds),
    limits: defaultLimits,
    metrics: gatewayMetrics({ ofProcess: false }),
    log: {
      info: () => {},
      warn: (facts, message) =>
        line.say(`${message}: ${refusalOf('err' in facts ? facts.err : '').message}`),
    },
  })
}

/** Opens objects as `kubectl open` does, each until this command ends; its lines are on the terminal. */
function opener(
  { cluster }: UiOptions,
  edges: UiEdges,
  line: LiveLine,
  signal: AbortSignal,
): (plural: string, name: string) => void {
  const isOpen = new Set<string>()
  const interrupted = new Promise<NodeJS.Signals>((resolve) => {
    signal.addEventListener('abort', () => resolve('SIGTERM'), { once: true })
  })
  return (plural, name) => {
    const kind = kinds.find((one) => one.plural === plural)
    const key = `${plural}/${name}`
    if (!kind || isOpen.has(key)) return
    isOpen.add(key)
    const ended = open(
      { target: { kind, name }, cluster, browser: true, suspend: false },
      {
        ...edges,
        isInteractive: false,
        ask: async () => '',
        interrupted: () => interrupted,
      },
    )
    ended
      .catch((error: unknown) => line.say(`error: ${refusalOf(error).message}`))
      .finally(() => isOpen.delete(key))
  }
}
