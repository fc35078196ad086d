import { setTimeout as sleep } from 'node:timers/promises'
import { podsPath } from '../cluster/collections.ts'
import { stream } from '../cluster/exchange.ts'
import { type Cluster, type ClusterOptions, clusterOf } from '../cluster/kubeconfig.ts'
import { isForbidden, refusalOf } from '../cluster/refusal.ts'
import { unreachable } from '../crds/kubelet.ts'
import type { Pod } from '../hooks/children/manifesttypes.ts'
import { type LiveLine, liveLine } from '../open/liveline.ts'
import { endWithReader } from '../terminal/output.ts'
import { usageError } from '../terminal/usage.ts'
import { endOf, type Log, nextLog } from '../view/logs.ts'
import type { StageName } from '../view/own.ts'
import { explaining, objectAt } from './failures.ts'
import { logLines } from './loglines.ts'
import { followed, type Known, listed } from './logobjects.ts'
import { targetOf } from './target.ts'

interface Options extends ClusterOptions {
  readonly follow?: boolean
  readonly stage?: StageName
}

/**
 * Prints the log of the stage under way or of the last one; with --follow, of every stage until the object is
 * Ready or stalled. Only the log goes to standard output.
 */
export async function logsCommand(words: readonly string[], options: Options): Promise<number> {
  const target = targetOf(words, 'logs')
  if ('wrong' in target) return usageError(target.wrong)
  const cluster = clusterOf(options)
  endWithReader()
  return explaining(cluster.namespace, async () => {
    const object = await objectAt(cluster, target)
    const known = options.follow
      ? await followed(cluster, target)
      : await listed(cluster, target, object)
    return readAll(cluster, known, options)
  })
}

async function readAll(cluster: Cluster, known: Known, options: Options): Promise<number> {
  const { follow = false, stage } = options
  const line = liveLine(process.stderr)
  const read = new Set<string>()
  let first: Pod | undefined
  for (;;) {
    const step = nextLog({
      object: known.object(),
      pods: known.pods(),
      isFollowed: follow,
      read,
      ...(stage && { stage }),
      ...(first && { first }),
    })
    switch (step.do) {
      case 'read': {
        const { log } = step
        first ??= log.pod
        read.add(log.key)
        const { name } = log.pod.metadata
        line.say(`stage ${log.stage}: Pod "${name}", container "${log.container}"`)
        await readOne(cluster, log, known, follow, line)
        break
      }
      case 'wait':
        line.show(() => `waiting: ${step.why}`)
        await known.changed()
        break
      case 'end':
        if (step.says) line.say(`${step.isFault ? 'error: ' : ''}${step.says}`)
        return step.isFault ? 1 : 0
    }
  }
}

/** How long to wait before reading on where a connection was cut. */
const pause = 1000

/** Reads one log to its end; if followed, until the container has ended, over broken connections. */
async function readOne(
  cluster: Cluster,
  log: Log,
  known: Known,
  follow: boolean,
  line: LiveLine,
): Promise<void> {
  const place: Place = {}
  let isTroubled = false
  for (;;) {
    let broke: string | undefined
    try {
      await readFrom(cluster, log, follow, place)
      isTroubled = false
    } catch (error) {
      const refusal = refusalOf(error)
      // A cut connection is no refusal. Without --follow, nothing is read again.
      const { metadata, spec } = log.pod
      const words = unreachable(metadata.name, spec?.nodeName, refusal.message)
      if (!follow && words) throw new Error(words)
      if (!follow || isForbidden(refusal)) throw error
      broke = words ?? refusal.message
    }
    if (!follow) return
    // A container's end is seen a moment after that of its log.
    const end = endOf(log, known.pods()) ?? (await endSoon(log, known))
    if (end) return line.say(end)
    if (broke && !isTroubled) line.say(`the log cannot be read: ${broke}; trying again`)
    isTroubled ||= broke !== undefined
    await sleep(pause)
  }
}

async function endSoon(log: Log, known: Known): Promise<string | undefined> {
  const until = Date.now() + 2 * pause
  while (Date.now() < until) {
    await Promise.race([known.changed(), sleep(pause)])
    const end = endOf(log, known.pods())
    if (end) return end
  }
  return undefined
}

/** The time of the last line that was read. */
interface Place {
  after?: string | undefined
}

async function readFrom(
  { kubeConfig, namespace }: Cluster,
  { pod, container }: Log,
  follow: boolean,
  place: Place,
): Promise<void> {
  const { after } = place
  const lines = logLines(after)
  const query = {
    container,
    timestamps: 'true',
    ...(follow && { follow: 'true' }),
    ...(after && { sinceTime: after }),
  }
  const path = `${podsPath(namespace)}/${pod.metadata.name}/log`
  try {
    const answer = await stream(kubeConfig, path, query, new AbortController().signal)
    for await (const chunk of answer) await print(lines.add(chunk as Buffer))
  } finally {
    await print(lines.end())
    place.after = lines.last()
  }
}

/** Waits for a slow reader. */
async function print(lines: readonly string[]): Promise<void> {
  if (!lines.length) return
  const { stdout } = process
  if (!stdout.write(`${lines.join('\n')}\n`))
    await new Promise<void>((resolve) => stdout.once('drain', resolve))
}
