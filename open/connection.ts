import { type Refusal, refusalOf } from '../cluster/refusal.ts'
import { type Jupyter, plain } from './address.ts'
import type { Objects } from './clusterobjects.ts'
import { destinationIn, usualPortOf } from './destination.ts'
import { forward } from './forward.ts'
import { jupyterIn } from './jupyter.ts'
import { foreignPod, titleOf } from './lines.ts'
import type { LiveLine } from './liveline.ts'
import { containerNamed, instanceOf, type Opened, type Pod } from './next.ts'
import type { OpenOptions } from './open.ts'
import type { Destination } from './tunnel.ts'

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
  let connected: Destination | undefined

  const forwarding = await forward({
    kubeConfig,
    namespace,
    preferred: usualPortOf(target.kind.kind),
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

  async function connect(pod: Pod, object: Opened, then: Connected): Promise<Failure | undefined> {
    const destination = destinationIn(pod, target.kind.kind)
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
      if (!reportedUids.has(uid)) line.say(foreignPod(titleOf(target), name))
      reportedUids.add(uid)
    },
  }
}
