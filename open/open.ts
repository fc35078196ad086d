import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../cluster/kubeconfig.ts'
import { isForbidden, type Refusal, refusalOf } from '../cluster/refusal.ts'
import type { Output } from '../terminal/screen.ts'
import { addressOf, type Jupyter, plain, withoutToken } from './address.ts'
import { type OneTimeAddress, oneTimeAddressFor } from './browser.ts'
import { type Objects, objectsOf } from './clusterobjects.ts'
import { type Destination, type Forward, forward } from './forward.ts'
import { jupyterIn } from './jupyter.ts'
import { leftRunning, question, suspended, titleOf, waitLine, wantsSuspend } from './lines.ts'
import { type LiveLine, liveLine } from './liveline.ts'
import { containerNamed, instanceOf, type Next, next, type Opened, type Pod } from './next.ts'
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
    line.say(`error: ${refusalOf(error).message}`)
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

/** How long to wait before retrying a failed connection. */
const pause = 1000

/** A browser session: the observed objects, the forwarded port, and what was reported about them. */
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
  const oneTimeAddresses: OneTimeAddress[] = []
  const changes = notifier()
  let object: Opened | undefined = first
  let pods: readonly Pod[] = []
  let podsListed = false
  /** Pods with the labels but another owner; each is reported once. */
  const foreignPods = new WeakSet<Pod>()
  const reportedUids = new Set<string>()
  let connected: Destination | undefined
  let address: string | undefined
  let trouble: { readonly message: string; readonly isFinal: boolean } | undefined

  const forwarding: Forward = await forward({
    kubeConfig,
    namespace,
    preferred: usualPort,
    ...(port !== undefined && { wanted: port }),
    broke: (destination, error) => {
      if (destination !== connected) return
      connected = undefined
      // Other connections to the Pod stay open: often only one was cut.
      line.say(`the connection to Pod "${destination.pod}" broke: ${refusalOf(error).message}`)
      changes.notify()
    },
  })

  const watchFailed = (error: unknown) => {
    const refusal = refusalOf(error)
    trouble = {
      message: refusal.code
        ? refusal.message
        : `the API server cannot be reached: ${refusal.message}`,
      isFinal: isForbidden(refusal),
    }
    changes.notify()
  }
  const watchSucceeded = () => {
    if (trouble && connected) {
      // Connections through the same network may be dead without an error.
      forwarding.connectTo(undefined)
      connected = undefined
    }
    trouble = undefined
    changes.notify()
  }

  function start(): void {
    const objectSeen = (seen: Opened | undefined) => {
      // The response to a patch can be newer than the watch's next event.
      if (!seen || !object || !(versionOf(seen) < versionOf(object))) object = seen
      watchSucceeded()
    }
    const podsSeen = (seen: readonly Pod[]) => {
      pods = seen
      podsListed = true
      watchSucceeded()
    }
    objects.follow(objectSeen, watchFailed, signal)
    objects.followPods(podsSeen, watchFailed, signal)
  }

  /** Runs until the session must end, and returns why. It never resolves if the signal stops it. */
  async function run(): Promise<string> {
    start()
    for (;;) {
      const change = changes.next()
      if (signal.aborted) return new Promise(() => {})
      if (trouble?.isFinal) return trouble.message
      if (!podsListed) {
        if (trouble) wait(trouble.message)
        await change
        continue
      }
      const own = pods.filter((pod) => !foreignPods.has(pod))
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
          if (!trouble) disconnect()
          wait(trouble?.message ?? step.why)
          break
        case 'reach':
          if (trouble) wait(trouble.message)
          else if (instanceOf(step.pod, container) !== connected?.instance) {
            disconnect()
            const failed = await reach(step)
            if (failed === 'foreign') continue
            if (failed && isForbidden(failed)) return failed.message
            if (failed) {
              wait(`Pod "${step.pod.metadata.name}" cannot be reached: ${failed.message}`)
              await Promise.race([change, sleep(pause)])
              continue
            }
          }
      }
      await change
    }
  }

  const wait = (why: string) => line.show((...at) => waitLine(target, why, ...at))

  /** Closes the connections to a Pod that was replaced or restarted. */
  function disconnect(): void {
    if (!connected) return
    forwarding.connectTo(undefined)
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

  /** Connects to the Pod; returns why that failed, or undefined. */
  async function reach({
    pod,
    note,
  }: Extract<Next, { do: 'reach' }>): Promise<Refusal | 'foreign' | undefined> {
    const { name } = pod.metadata
    const ports = pod.spec.containers.find((it) => it.name === container)?.ports
    const destination = {
      pod: name,
      instance: instanceOf(pod, container),
      port: ports?.[0]?.containerPort ?? usualPort,
    }
    try {
      if (object && !(await objects.isOwn(pod, object))) return ignoreForeign(pod)
      const jupyter = isNotebook
        ? await jupyterIn(kubeConfig, namespace, name, container)
        : undefined
      await forwarding.probe(destination, (jupyter ?? plain).path)
      connected = destination
      forwarding.connectTo(destination)
      if (signal.aborted) return undefined
      await announce(destination, jupyter, note)
      return undefined
    } catch (error) {
      return refusalOf(error)
    }
  }

  function ignoreForeign(pod: Pod): 'foreign' {
    const { name, uid } = pod.metadata
    foreignPods.add(pod)
    if (!reportedUids.has(uid))
      line.say(
        `note: Pod "${name}" has the labels of ${titleOf(target)} but is not its own, so it is ignored: kubectl describe pod ${name} names its owner`,
      )
    reportedUids.add(uid)
    return 'foreign'
  }

  async function announce(
    destination: Destination,
    jupyter: Jupyter | undefined,
    note: string | undefined,
  ) {
    const before = address
    address = addressOf(forwarding.port, jupyter ?? plain)
    const again = before ? `connected again to Pod "${destination.pod}"` : undefined
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
    const oneTime = address === withoutToken(address) ? undefined : await oneTimeAddressFor(address)
    if (oneTime) oneTimeAddresses.push(oneTime)
    const shown = withoutToken(address)
    try {
      await edges.browse(oneTime?.address ?? address)
      line.say(`${shown} is open in your browser; Ctrl-C ends`)
    } catch (error) {
      const once = oneTime ? `${oneTime.address}, which works once,` : shown
      line.say(`no browser can be started (${refusalOf(error).message}): open ${once} yourself`)
    }
  }

  return {
    run,
    wasOpen: () => address !== undefined,
    close: () => {
      forwarding.close()
      for (const oneTime of oneTimeAddresses) oneTime.close()
    },
  }
}

/** The API server increases resource versions with each change. */
const versionOf = ({ metadata }: Opened): number =>
  Number((metadata as { readonly resourceVersion?: string }).resourceVersion ?? 0)

/** Wakes everything that awaits `next()`. */
function notifier() {
  let notify = () => {}
  let pending = new Promise<void>((resolve) => {
    notify = resolve
  })
  return {
    next: () => pending,
    notify: () => {
      notify()
      pending = new Promise<void>((resolve) => {
        notify = resolve
      })
    },
  }
}
