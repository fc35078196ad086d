import type { ServerPreset } from '../../crds/config.ts'
import type { ModelServerSpec } from '../../crds/modelserver.ts'
import type { Container } from '../children/manifesttypes.ts'
import type { Facts } from '../engine/read.ts'
import { beside, idleWatch } from './idlewatch.ts'
import { podFieldsOf } from './podfields.ts'
import type { Mounts } from './volumes.ts'

/**
 * What watches a server with spec.idleTimeout:
 *
 *     idle ──▶ the server's own metrics, if its preset names counters
 *     idle ──▶ relay ──▶ the server, for any other: the relay is where the Service leads
 *
 * The relay counts what passes through it. The server's readiness probe reaches the server itself.
 */
interface Watch {
  readonly relay: readonly Container[]
  readonly idle: readonly Container[]
  readonly volumes: Mounts['volumes']
}

const unwatched: Watch = { relay: [], idle: [], volumes: [] }

const folder = '/run/idle-watch'
const volumeMount = { name: 'idle-watch', mountPath: folder }

export function watchOf(
  { parent, config }: Facts<ModelServerSpec>,
  server: ServerPreset | undefined,
  port: number,
  health: string,
): Watch {
  const { spec } = parent
  if (!spec.idleTimeout) return unwatched
  const at = (path: string) => `http://127.0.0.1:${port}${path}`
  // A command of the user's own may start another program than the preset's.
  const metrics = spec.command?.length ? undefined : server?.metrics
  const counted = metrics?.activity?.length ? metrics : undefined
  const socket = `--relay=${folder}/relay.sock`
  const source = counted
    ? [
        `--metrics=${at(counted.path ?? '/metrics')}`,
        ...(counted.running ? [`--running=${counted.running}`] : []),
        ...(counted.waiting ? [`--waiting=${counted.waiting}`] : []),
        ...(counted.activity ?? []).map((name) => `--activity=${name}`),
      ]
    : [socket]
  const args = [`--health=${at(health)}`, `--folder=${folder}`, ...source]
  return {
    relay: counted ? [] : [relay()],
    idle: [idleWatch(parent, config, args, volumeMount)],
    volumes: [{ name: volumeMount.name, emptyDir: {} }],
  }

  /**
   * A sidecar that starts before the server and ends after it, so that it cuts no response. The startup
   * probe delays the server until the relay listens.
   */
  function relay(): Container {
    const listens = relayPort(port, podFieldsOf(parent, config).container?.ports)
    const probes = [...new Set([health, server?.metrics?.path ?? '/metrics'])]
    return {
      name: 'relay',
      ...beside(parent, config, volumeMount),
      args: [
        'relay',
        `--port=${listens}`,
        `--to=${port}`,
        socket,
        ...probes.map((path) => `--probe-path=${path}`),
      ],
      ports: [{ name: 'relay', containerPort: listens, protocol: 'TCP' }],
      restartPolicy: 'Always',
      startupProbe: { tcpSocket: { port: listens }, periodSeconds: 1, failureThreshold: 60 },
    }
  }
}

/** A port on which nothing else in the Pod is declared to listen. */
function relayPort(port: number, others: Container['ports'] = []): number {
  const taken = new Set([port, ...others.map(({ containerPort }) => containerPort)])
  let free = 18080
  while (taken.has(free)) free++
  return free
}
