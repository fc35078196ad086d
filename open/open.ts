import type { Cluster } from '../cluster/kubeconfig.ts'
import { refusalOf } from '../cluster/refusal.ts'
import { failureLines, remedyOf } from '../cluster/remedy.ts'
import type { Output } from '../terminal/screen.ts'
import { type Objects, objectsOf } from './clusterobjects.ts'
import { leftRunning, question, suspended, titleOf, wantsSuspend } from './lines.ts'
import { type LiveLine, liveLine } from './liveline.ts'
import type { Opened } from './next.ts'
import { sessionOf } from './session.ts'
import type { Target } from './target.ts'

export interface OpenOptions {
  readonly target: Target
  readonly cluster: Cluster
  readonly port?: number
  readonly browser: boolean
  readonly suspend: boolean
}

/** The user and their machine. */
export interface Edges {
  readonly stdout: Output
  readonly stderr: Output
  /** Whether the user can answer a question. */
  readonly isInteractive: boolean
  readonly ask: (question: string) => Promise<string>
  /** The next Ctrl-C, or another signal to end. */
  readonly interrupted: () => Promise<NodeJS.Signals>
  readonly browse: (address: string) => Promise<void>
  readonly now: () => string
}

/** Returns the exit code: 1 if it cannot be opened, or if the session ends without Ctrl-C. */
export async function open(options: OpenOptions, edges: Edges): Promise<number> {
  const { target, cluster } = options
  const line = liveLine(edges.stderr)
  const objects = objectsOf(cluster, target)
  try {
    if (options.suspend) return await suspend(target, objects, line)
    const object = await objects.get()
    return await opened(options, edges, objects, object, line)
  } catch (error) {
    for (const text of failureLines(refusalOf(error), cluster.namespace)) line.say(text)
    return 1
  }
}

async function suspend(target: Target, objects: Objects, line: LiveLine): Promise<number> {
  const already = (await objects.get()).spec.suspend === true
  if (!already) await objects.patch({ suspend: true })
  line.say(suspended(target, already))
  return 0
}

async function opened(
  options: OpenOptions,
  edges: Edges,
  objects: Objects,
  object: Opened,
  line: LiveLine,
): Promise<number> {
  const { target } = options
  const ending = new AbortController()
  const session = await sessionOf(options, edges, objects, object, line, ending.signal)
  try {
    return await Promise.race([
      session.run().then(({ says, isRefusal }) => {
        line.say(
          `error: ${titleOf(target)} ${session.wasOpen() ? 'is no longer open' : 'cannot be opened'}: ${says}`,
        )
        const remedy = isRefusal ? remedyOf(says, options.cluster.namespace) : []
        for (const text of remedy) line.say(text)
        return 1
      }),
      interruption(target, edges, objects, line, () => ending.abort()),
    ])
  } finally {
    ending.abort()
    session.close()
  }
}

/** On Ctrl-C, asks whether to suspend a Notebook. A second Ctrl-C ends at once. */
async function interruption(
  target: Target,
  edges: Edges,
  objects: Objects,
  line: LiveLine,
  stop: () => void,
): Promise<number> {
  const signal = await edges.interrupted()
  // A ModelServer serves other users too, so there is no question about it.
  if (edges.isInteractive && signal === 'SIGINT' && target.kind.kind === 'Notebook') {
    line.pause()
    edges.stderr.write('\n')
    const answer = await Promise.race([
      edges.ask(question(target)),
      edges.interrupted().then(() => {
        edges.stderr.write('\n')
        return ''
      }),
    ])
    // Otherwise the session would react to the suspension.
    stop()
    if (wantsSuspend(answer)) return suspend(target, objects, line)
  }
  line.say(leftRunning(target))
  return 0
}
