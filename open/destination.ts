import { containerNamed, instanceOf, type Pod } from './next.ts'
import type { Destination } from './tunnel.ts'

/** The port that a kind's container listens on unless it says otherwise, and the local one to prefer. */
export const usualPortOf = (kind: string): number => (kind === 'Notebook' ? 8888 : 8080)

/** Where a Pod is reached. */
export function destinationIn(pod: Pod, kind: string): Destination {
  const container = containerNamed(kind)
  // Through the relay, if there is one: the idle watch counts what passes there.
  const relay = pod.spec.initContainers?.find(({ name }) => name === 'relay')
  const ports = (relay ?? pod.spec.containers.find((it) => it.name === container))?.ports
  return {
    pod: pod.metadata.name,
    instance: instanceOf(pod, container),
    port: ports?.[0]?.containerPort ?? usualPortOf(kind),
  }
}
