import { type Refusal, refusalOf } from '../cluster/refusal.ts'
import { type Jupyter, plain } from './address.ts'
import type { Objects } from './clusterobjects.ts'
import { type Destination, forward } from './forward.ts'
import { jupyterIn } from './jupyter.ts'
import { titleOf } from './lines.ts'
import type { LiveLine } from './liveline.ts'
import { containerNamed, instanceOf, type Opened, type Pod } from './next.ts'
import type { OpenOptions } from './open.ts'

/** Why there is no connection to a Pod: it is not the object's own, or it cannot be reached. */
export type Failure = 'foreign' | Refusal

/** Called once a Pod is connected. */
type Connected = (destination: Destination, jupyter: Jupyter | undefined) => Promise<void>

/** Forwards a local port to one Pod at a time; `broken` is called when a connection breaks. */
export async function connectionOf(
  { target, cluster: { kubeConfig, namespace }, port }: OpenOptions,
  objects: Objects,
  line: LiveLine,
  broken: () => void,
) {
  const isNotebook = target.kind.kind === 'Notebook'
  const container = containerNamed(target.kind.kind)
  const usualPort = isNotebook ? 8888 : 8080
  let connected: Destination | undefined

  const forwarding = await forward({
    kubeConfig,
    namespace,
    preferred: usualPort,
    ...(port !== undefined && { wanted: port }),
    broke: (destination, error) => {
      if (destination !== connected) return
      connected = undefined
      // Other connections to the Pod stay open: often only one was cut.
      line.say(`the connection to Pod "${destination.pod}" broke: ${refusalOf(error).message}`)
      broken()
    },
  })

  function disconnect(): void {
    if (connected) forwarding.connectTo(undefined)
    connected = undefined
  }

  const destinationIn = (pod: Pod): Destination => {
    // Through the relay, if there is one: the idle watch counts what passes there.
    const relay = pod.spec.initContainers?.find(({ name }) => name === 'relay')
    const ports = (relay ?? pod.spec.containers.find((it) => it.name === container))?.ports
    return {
      pod: pod.metadata.name,
      instance: instanceOf(pod, container),
      port: ports?.[0]?.containerPort ?? usualPort,
    }
  }

  async function connect(pod: Pod, object: Opened, then: Connected): Promise<Failure | undefined> {
    const destination = destinationIn(pod)
    try {
      if (!(await objects.isOwn(pod, object))) return 'foreign'
      const jupyter = isNotebook
        ? await jupyterIn(kubeConfig, namespace, destination.pod, container)
        : undefined
      await forwarding.probe(destination, (jupyter ?? plain).path)
      connected = destination
      forwarding.connectTo(destination)
      await then(destination, jupyter)
      return undefined
    } catch (error) {
      return refusalOf(error)
    }
  }

  return {
    port: forwarding.port,
    instance: () => connected?.instance,
    leadsTo: (pod: Pod) => instanceOf(pod, container) === connected?.instance,
    connect,
    disconnect,
    /** Closes the connections to a Pod that was replaced or restarted. */
    leave: (pods: readonly Pod[]): void => {
      if (!connected) return
      const { pod } = connected
      const isRestarted = isRunning(connected, pods)
      disconnect()
      line.say(`Pod "${pod}" ${isRestarted ? 'was restarted' : 'is gone'}`)
    },
    close: forwarding.close,
  }
}

/** Whether the Pod itself still exists, so that only its container is new. */
const isRunning = ({ instance }: Destination, pods: readonly Pod[]): boolean => {
  const [uid] = instance.split(' ')
  return pods.some(({ metadata }) => metadata.uid === uid && !metadata.deletionTimestamp)
}

/** The Pods that have the labels of the target but a different owner; each is reported once. */
export function foreignPods({ target }: Pick<OpenOptions, 'target'>, line: LiveLine) {
  const foreign = new WeakSet<Pod>()
  const reportedUids = new Set<string>()
  return {
    has: (pod: Pod) => foreign.has(pod),
    ignore: (pod: Pod) => {
      const { name, uid } = pod.metadata
      foreign.add(pod)
      if (!reportedUids.has(uid))
        line.say(
          `note: Pod "${name}" has the labels of ${titleOf(target)} but is not its own, so it is ignored: kubectl describe pod ${name} names its owner`,
        )
      reportedUids.add(uid)
    },
  }
}
