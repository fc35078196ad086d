import type { Cluster } from '../cluster/kubeconfig.ts'
import { refusalOf } from '../cluster/refusal.ts'
import { failureLines } from '../cluster/remedy.ts'
import { type ListeningGateway, listen } from '../gateway/listen.ts'
import { gatewayMetrics } from '../gateway/metrics.ts'
import { defaultLimits } from '../gateway/world.ts'
import { usualPortOf } from './destination.ts'
import { portRefused } from './forward.ts'
import { foreignPod } from './lines.ts'
import { type LiveLine, liveLine } from './liveline.ts'
import { type LocalWorld, localWorld, podAt } from './localworld.ts'
import { curlLine, modelLines, modelToTry, pythonLine } from './modellines.ts'
import type { Edges } from './open.ts'
import { podStream } from './podstream.ts'

export interface ModelsOptions {
  readonly cluster: Cluster
  readonly port?: number
  /** How often a connection to a Pod is pinged. */
  readonly pingMilliseconds?: number
}

type ModelsEdges = Pick<Edges, 'stdout' | 'stderr' | 'interrupted'>

/** Less than the minute after which load balancers cut a connection that is silent. */
const usualPingMilliseconds = 20_000

/**
 * One address for all models of a namespace, on this machine and for it alone, with the user's own rights. It
 * ends on Ctrl-C; returns the exit code.
 */
export async function openModels(options: ModelsOptions, edges: ModelsEdges): Promise<number> {
  const { kubeConfig, namespace } = options.cluster
  const line = liveLine(edges.stderr)
  const ending = new AbortController()
  const interrupted = edges.interrupted()
  const world = localWorld(
    { kubeConfig, namespace },
    {
      foreign: (server, pod) => line.say(foreignPod(`ModelServer "${server}"`, pod)),
      troubled: (error) =>
        line.say(`cannot read from the API server: ${refusalOf(error).message}; trying again`),
      recovered: () => line.say('the API server answers again'),
    },
    ending.signal,
  )
  let gateway: ListeningGateway | undefined
  try {
    if ((await Promise.race([world.known, interrupted])) !== undefined) return 0
    gateway = await gatewayAt(options, world, line)
    announce(`${gateway.url}/v1`, namespace, world, edges, line)
    const stop = tellChanges(namespace, world, line)
    await interrupted
    stop()
    line.say('the address is closed; the models are left as they are')
    return 0
  } catch (error) {
    for (const text of failureLines(refusalOf(error), namespace)) line.say(text)
    return 1
  } finally {
    ending.abort()
    await gateway?.close(0)
  }
}

/** Listens on the port that the user requested, or else on the usual one, or a free one. */
async function gatewayAt(
  { cluster, port, pingMilliseconds = usualPingMilliseconds }: ModelsOptions,
  world: LocalWorld,
  line: LiveLine,
): Promise<ListeningGateway> {
  const metrics = gatewayMetrics({ ofProcess: false })
  const at = (one: number): Promise<ListeningGateway> =>
    listen({
      at: { host: '127.0.0.1', port: one },
      local: { namespace: cluster.namespace },
      world,
      connect: (address) => podStream(cluster, podAt(address), pingMilliseconds),
      isReady: () => true,
      limits: defaultLimits,
      metrics,
      log: {
        info: () => {},
        warn: (facts, message) => line.say(`${message}: ${refusalOf(errorIn(facts)).message}`),
      },
    })
  try {
    return await at(port ?? usualPortOf('ModelServer'))
  } catch (error) {
    if (port !== undefined) throw portRefused(port, error)
    return at(0)
  }
}

const errorIn = (facts: object): unknown => ('err' in facts ? facts.err : undefined)

/** The address alone goes to standard output, for scripts. */
function announce(
  base: string,
  namespace: string,
  world: LocalWorld,
  { stdout }: ModelsEdges,
  line: LiveLine,
): void {
  const names = world.namesIn(namespace)
  const model = names ? modelToTry(names) : ''
  line.say(`Ctrl-C ends; the base address of the models in namespace "${namespace}" is`)
  stdout.write(`${base}\n`)
  line.say(curlLine(base, model))
  line.say(pythonLine(base, model))
  if (!names?.size) line.say('there is no ModelServer yet; new ones will be listed here')
}

/** Changes of objects and of their Pods arrive one by one: what they amount to is told. */
const settleMilliseconds = 300

/** Tells of each model, now and whenever it has woken, fallen asleep, or changed otherwise. */
function tellChanges(namespace: string, world: LocalWorld, line: LiveLine): () => void {
  let told: ReadonlyMap<string, string> = new Map()
  let settling: NodeJS.Timeout | undefined
  const tell = (): void => {
    settling = undefined
    const lines = modelLines(world.namesIn(namespace) ?? new Map())
    for (const [name, text] of lines) if (told.get(name) !== text) line.say(text)
    for (const name of told.keys()) if (!lines.has(name)) line.say(`${name}: deleted`)
    told = lines
  }
  const stop = world.onChange(namespace, () => {
    settling ??= setTimeout(tell, settleMilliseconds)
  })
  tell()
  return () => {
    clearTimeout(settling)
    stop()
  }
}
