import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../cluster/kubeconfig.ts'
import { isForbidden, type Refusal, refusalOf } from '../cluster/refusal.ts'
import { type LiveLine, liveLine } from '../terminal/liveline.ts'
import type { Output } from '../terminal/screen.ts'
import { addressOf, type Jupyter, plain, withoutToken } from './address.ts'
import { type Door, doorTo } from './browser.ts'
import { type Objects, objectsOf } from './clusterobjects.ts'
import { type Aim, type Forward, forward } from './forward.ts'
import { jupyterIn } from './jupyter.ts'
import { leftRunning, question, suspended, titleOf, waitLine, wantsSuspend } from './lines.ts'
import { containerNamed, instanceOf, type Next, next, type Opened, type Pod } from './next.ts'
import type { Target } from './target.ts'

export interface OpenOptions {
  readonly target: Target
  readonly cluster: Cluster
  readonly port?: number
  readonly browser: boolean
  readonly suspend: boolean
}

/** The person and their machine. */
export interface Edges {
  readonly stdout: Output
  readonly stderr: Output
  /** Whether somebody can be asked. */
  readonly asks: boolean
  readonly ask: (question: string) => Promise<string>
  /** The next Ctrl-C, or another signal to end. */
  readonly interrupted: () => Promise<NodeJS.Signals>
  readonly browse: (address: string) => Promise<void>
  readonly now: () => string
}

/** 0, or 1 when it cannot be opened, or is open no longer, and nobody asked for that. */
export async function open(options: OpenOptions, edges: Edges): Promise<number> {
  const { target, cluster } = options
  const line = liveLine(edges.stderr)
  const objects = objectsOf(cluster, target)
  try {
    if (options.suspend) return await suspend(target, objects, line)
    const object = await objects.get()
    return await opened(options, edges, objects, object, line)
  } catch (error) {
    line.say(`error: ${refusalOf(error).words}`)
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
      session.run().then((why) => {
        line.say(
          `error: ${titleOf(target)} ${session.wasOpen() ? 'is no longer open' : 'cannot be opened'}: ${why}`,
        )
        return 1
      }),
      farewell(target, edges, objects, line, () => ending.abort()),
    ])
  } finally {
    ending.abort()
    session.close()
  }
}

/** Ctrl-C: whether to suspend is the person's to say, if there is one. A second one ends at once. */
async function farewell(
  target: Target,
  edges: Edges,
  objects: Objects,
  line: LiveLine,
  stop: () => void,
): Promise<number> {
  const signal = await edges.interrupted()
  // A server serves others, too: it is not for one of its callers to be asked.
  if (edges.asks && signal === 'SIGINT' && target.kind.kind === 'Notebook') {
    line.hold()
    edges.stderr.write('\n')
    const answer = await Promise.race([
      edges.ask(question(target)),
      edges.interrupted().then(() => {
        edges.stderr.write('\n')
        return ''
      }),
    ])
    // Or it would resume what is suspended now.
    stop()
    if (wantsSuspend(answer)) return suspend(target, objects, line)
  }
  line.say(leftRunning(target))
  return 0
}

/** How long until a connection that failed is tried again. */
const pause = 1000

/** What is seen, the way to the Pod, and what was told about them. */
async function sessionOf(
  { target, cluster, port, browser }: OpenOptions,
  edges: Edges,
  objects: Objects,
  first: Opened,
  line: LiveLine,
  signal: AbortSignal,
) {
  const { kubeConfig, namespace } = cluster
  const isNotebook = target.kind.kind === 'Notebook'
  const container = containerNamed(target.kind.kind)
  const usualPort = isNotebook ? 8888 : 8080
  const doors: Door[] = []
  const bell = bellOf()
  let object: Opened | undefined = first
  let pods: readonly Pod[] = []
  let podsKnown = false
  /** Pods that have the labels but are somebody else's; each is reported once. */
  const strangers = new WeakSet<Pod>()
  const toldStrangers = new Set<string>()
  let connected: Aim | undefined
  let address: string | undefined
  let trouble: { readonly words: string; readonly isFinal: boolean } | undefined

  const way: Forward = await forward({
    kubeConfig,
    namespace,
    preferred: usualPort,
    ...(port !== undefined && { wanted: port }),
    broke: (aim, error) => {
      if (aim !== connected) return
      connected = undefined
      // Its other connections stay: often only one was cut.
      line.say(`the connection to Pod "${aim.pod}" broke: ${refusalOf(error).words}`)
      bell.ring()
    },
  })

  const troubled = (error: unknown) => {
    const refusal = refusalOf(error)
    trouble = {
      words: refusal.code ? refusal.words : `the API server cannot be reached: ${refusal.words}`,
      isFinal: isForbidden(refusal),
    }
    bell.ring()
  }
  const fine = () => {
    if (trouble && connected) {
      // What went through the same network may be dead without knowing it.
      way.aim(undefined)
      connected = undefined
    }
    trouble = undefined
    bell.ring()
  }

  function start(): void {
    const took = (seen: Opened | undefined) => {
      // The answer to a patch can be newer than what the watch still has to say.
      if (!seen || !object || !(versionOf(seen) < versionOf(object))) object = seen
      fine()
    }
    const tookPods = (seen: readonly Pod[]) => {
      pods = seen
      podsKnown = true
      fine()
    }
    objects.follow(took, troubled, signal)
    objects.followPods(tookPods, troubled, signal)
  }

  /** Goes on until it must end, and answers why; once it is stopped, it does and says nothing. */
  async function run(): Promise<string> {
    start()
    for (;;) {
      const change = bell.rung()
      if (signal.aborted) return new Promise(() => {})
      if (trouble?.isFinal) return trouble.words
      if (!podsKnown) {
        if (trouble) wait(trouble.words)
        await change
        continue
      }
      const own = pods.filter((pod) => !strangers.has(pod))
      const seen = { object, pods: own, wasOpen: address !== undefined }
      const step = next({ ...seen, ...(connected && { connected: connected.instance }) })
      switch (step.do) {
        case 'end':
          return step.says
        case 'patch':
          line.say(`${titleOf(target)} is ${step.says}`)
          object = await patched(step)
          continue
        case 'wait':
          if (!trouble) lose()
          wait(trouble?.words ?? step.why)
          break
        case 'reach':
          if (trouble) wait(trouble.words)
          else if (instanceOf(step.pod, container) !== connected?.instance) {
            lose()
            const failed = await reach(step)
            if (failed === 'stranger') continue
            if (failed && isForbidden(failed)) return failed.words
            if (failed) {
              wait(`Pod "${step.pod.metadata.name}" cannot be reached: ${failed.words}`)
              await Promise.race([change, sleep(pause)])
              continue
            }
          }
      }
      await change
    }
  }

  const wait = (why: string) => line.show((...at) => waitLine(target, why, ...at))

  /** The Pod that was connected is not the one to connect any more. */
  function lose(): void {
    if (!connected) return
    way.aim(undefined)
    const { pod, instance } = connected
    const uid = instance.split(' ')[0]
    const isRestarted = pods.some(
      ({ metadata }) => metadata.uid === uid && !metadata.deletionTimestamp,
    )
    line.say(`Pod "${pod}" ${isRestarted ? 'was restarted' : 'is gone'}`)
    connected = undefined
  }

  const patched = ({ resume, wake }: Extract<Next, { do: 'patch' }>) =>
    objects.patch({ ...(resume && { suspend: false }), ...(wake && { opened: edges.now() }) })

  /** Undefined when the way is open, else why it is not. */
  async function reach({
    pod,
    note,
  }: Extract<Next, { do: 'reach' }>): Promise<Refusal | 'stranger' | undefined> {
    const { name } = pod.metadata
    const ports = pod.spec.containers.find((it) => it.name === container)?.ports
    const aim = {
      pod: name,
      instance: instanceOf(pod, container),
      port: ports?.[0]?.containerPort ?? usualPort,
    }
    try {
      if (object && !(await objects.isOwn(pod, object))) return estranged(pod)
      const jupyter = isNotebook
        ? await jupyterIn(kubeConfig, namespace, name, container)
        : undefined
      await way.probe(aim, (jupyter ?? plain).path)
      connected = aim
      way.aim(aim)
      if (signal.aborted) return undefined
      await announce(aim, jupyter, note)
      return undefined
    } catch (error) {
      return refusalOf(error)
    }
  }

  function estranged(pod: Pod): 'stranger' {
    const { name, uid } = pod.metadata
    strangers.add(pod)
    if (!toldStrangers.has(uid))
      line.say(
        `note: Pod "${name}" has the labels of ${titleOf(target)} but is not its own, so it is ignored: kubectl describe pod ${name} names its owner`,
      )
    toldStrangers.add(uid)
    return 'stranger'
  }

  async function announce(aim: Aim, jupyter: Jupyter | undefined, note: string | undefined) {
    const before = address
    address = addressOf(way.port, jupyter ?? plain)
    const again = before ? `connected again to Pod "${aim.pod}"` : undefined
    if (address === before) return line.say(`${again}`)
    if (again) line.say(`${again}, which has a token of its own`)
    if (note) line.say(`note: ${note}`)
    if (isNotebook && !jupyter?.token)
      line.say('note: no token of Jupyter was found; the page may ask for a password')
    if (browser) return openBrowser(address)
    line.say('Ctrl-C ends; the address is')
    edges.stdout.write(`${address}\n`)
  }

  async function openBrowser(address: string): Promise<void> {
    const door = address === withoutToken(address) ? undefined : await doorTo(address)
    if (door) doors.push(door)
    const shown = withoutToken(address)
    try {
      await edges.browse(door?.address ?? address)
      line.say(`${shown} is open in your browser; Ctrl-C ends`)
    } catch (error) {
      const once = door ? `${door.address}, which works once,` : shown
      line.say(`no browser can be started (${refusalOf(error).words}): open ${once} yourself`)
    }
  }

  return {
    run,
    wasOpen: () => address !== undefined,
    close: () => {
      way.close()
      for (const door of doors) door.close()
    },
  }
}

/** API servers count these up. */
const versionOf = ({ metadata }: Opened): number =>
  Number((metadata as { readonly resourceVersion?: string }).resourceVersion ?? 0)

/** Rings for all who wait. */
function bellOf() {
  let ring = () => {}
  let rung = new Promise<void>((resolve) => {
    ring = resolve
  })
  return {
    rung: () => rung,
    ring: () => {
      ring()
      rung = new Promise<void>((resolve) => {
        ring = resolve
      })
    },
  }
}
