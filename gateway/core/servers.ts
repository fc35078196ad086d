import { fitted } from '../../crds/names.ts'
import { nameGiven } from '../../crds/naming.ts'
import { filledIn } from '../../crds/placeholders.ts'
import type { Condition, ServedAdapter, ServedModel } from '../../crds/status.ts'
import { cutAt, onOneLine } from '../../crds/text.ts'
import { hashOf } from './hash.ts'

/** What the gateway knows of ModelServers, read from the objects of the API server. */

/** A Pod that answers. */
export interface Replica {
  /** `HOST:PORT`. */
  readonly address: string
  readonly hash: number
  /** The name by which its program knows the model. */
  readonly knows: string
  /** The Model that it serves; undefined if it is another one than the spec's, and not known. */
  readonly model: string | undefined
}

/**
 * - awake: it serves, or it will without anybody's doing
 * - asleep: a request may wake it
 * - stopped: somebody has suspended it or scaled it to 0, and it stays so
 * - failed: it stays as it is until somebody acts
 */
type State = 'awake' | 'asleep' | 'stopped' | 'failed'

/** Adapters of llama.cpp's server by their numbers; all others have the scale 0. */
export type Lora = readonly { readonly id: number; readonly scale: number }[]

export interface KnownAdapter {
  readonly name: string
  /** Whether every Pod has it that answers. */
  readonly isServed: boolean
  /** Its number, if requests select it by that. */
  readonly lora?: number | undefined
}

export interface Server {
  readonly namespace: string
  readonly name: string
  readonly created: string
  /** The name of its Model. */
  readonly model: string
  readonly aliases: readonly string[]
  /** Its adapters, in the order of spec.adapters. */
  readonly adapters: readonly KnownAdapter[]
  /** What its Pods serve, as far as its status says. */
  readonly served: readonly ServedModel[]
  /** The name by which the program in a Pod that is not among those knows the model. */
  readonly knows: string
  /** The adapter that is asked for, if requests select it by its name. */
  readonly adapter?: string | undefined
  /** The field `lora` of its requests, if its program selects adapters by that. */
  readonly lora?: Lora | undefined
  readonly state: State
  /** Something hinders it from becoming ready, and may go on to do so: no node has room, for instance. */
  readonly isHindered: boolean
  /** Its own words: `Unschedulable: 0/3 nodes are available`. */
  readonly says: string
  /** Its Pods that are ready. */
  readonly replicas: readonly Replica[]
}

/** The fields of a ModelServer that are read; a status may be absent or older than the fields. */
export interface ServerObject {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly creationTimestamp?: string
    readonly deletionTimestamp?: string
  }
  readonly spec: {
    readonly model: { readonly name: string }
    readonly aliases?: readonly string[]
    readonly adapters?: readonly { readonly name: string }[]
    readonly command?: readonly string[]
    readonly args?: readonly string[]
    readonly suspend?: boolean
    readonly replicas?: number
  }
  readonly status?: {
    readonly conditions?: readonly Condition[]
    readonly adapters?: readonly ServedAdapter[]
    readonly served?: readonly ServedModel[]
  }
}

/** A ModelServer without its replicas; undefined if it is being deleted. */
export function serverFrom({ metadata, spec, status }: ServerObject): Server | undefined {
  if (metadata.deletionTimestamp) return undefined
  const conditions = status?.conditions ?? []
  const ready = conditions.find(({ type }) => type === 'Ready')
  const adapters = adaptersOf(spec, status?.adapters)
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    created: metadata.creationTimestamp ?? '',
    model: spec.model.name,
    aliases: spec.aliases ?? [],
    adapters,
    served: status?.served ?? [],
    knows: knownName(spec),
    lora: adapters.some(({ lora }) => lora !== undefined) ? withoutAdapters : undefined,
    state: stateOf(spec, ready, conditions),
    isHindered: ready !== undefined && !onItsWay.includes(ready.reason),
    says: cutAt(onOneLine(ready ? `${ready.reason}: ${ready.message}` : 'not observed yet'), 1024),
    replicas: [],
  }
}

/** The reasons of a server that is ready, or will be if all goes as usual. */
const onItsWay: readonly string[] = ['Serving', 'UpdatePending', 'Pending', 'Starting']

/** One that exists is enough to say so of all. */
const withoutAdapters: Lora = [{ id: 0, scale: 0 }]

const adaptersOf = (
  { adapters = [] }: ServerObject['spec'],
  served: readonly ServedAdapter[] = [],
): readonly KnownAdapter[] =>
  adapters.map(({ name }) => {
    const found = served.find((one) => one.name === name)
    return { name, isServed: found !== undefined, lora: found?.lora }
  })

/**
 * The server as requests for one of its adapters see it. Until every Pod has the adapter, none is ready for
 * such a request.
 */
export function withAdapter(server: Server, { name, isServed, lora }: KnownAdapter): Server {
  if (!isServed)
    return { ...server, replicas: [], says: `adapter "${name}" is not served yet: ${server.says}` }
  return lora === undefined
    ? { ...server, adapter: name, lora: undefined }
    : { ...server, lora: [{ id: lora, scale: 1 }] }
}

/** The server for requests by the name of its Model: Pods that serve another one get none of them. */
export function withModel(server: Server): Server {
  const replicas = server.replicas.filter(({ model }) => model === server.model)
  if (replicas.length === server.replicas.length) return server
  return replicas.length
    ? { ...server, replicas }
    : { ...server, replicas, says: `Model "${server.model}" is not served yet: ${server.says}` }
}

function stateOf(
  { suspend, replicas }: ServerObject['spec'],
  ready: Condition | undefined,
  conditions: readonly Condition[],
): State {
  if (suspend || replicas === 0) return 'stopped'
  if (ready?.status === 'True' && ready.reason === 'Idle') return 'asleep'
  const isStalled = conditions.some(({ type, status }) => type === 'Stalled' && status === 'True')
  return isStalled ? 'failed' : 'awake'
}

/** The name that the command line gives to the model, else the Model's name, as the presets do. */
function knownName({ model, command = [], args = [] }: ServerObject['spec']): string {
  const given = nameGiven([...command, ...args])
  return given === undefined
    ? model.name
    : filledIn(given, { name: model.name, model: '/content/model' })
}

/** The fields of an EndpointSlice that are read. */
export interface EndpointSlice {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly addressType?: string
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[] | null
  readonly endpoints?:
    | readonly {
        readonly addresses?: readonly string[]
        readonly targetRef?: { readonly name?: string }
        readonly conditions?: { readonly ready?: boolean; readonly terminating?: boolean }
      }[]
    | null
}

/** A Pod that is ready. */
export interface ReadyPod {
  /** Its name, if it is known. */
  readonly name: string | undefined
  readonly address: string
}

/** The ready Pods in the EndpointSlices of a server's Service, each once. */
export function podsIn(slices: readonly EndpointSlice[]): readonly ReadyPod[] {
  const pods = slices.flatMap(({ addressType, ports, endpoints }) => {
    const port = ports?.find(({ name }) => name === 'http')?.port
    // Pods have IP addresses. A host name would be looked up, and could lead anywhere.
    if (!port || addressType === 'FQDN') return []
    return (endpoints ?? []).flatMap(({ addresses: [ip] = [], targetRef, conditions }) => {
      // Kubernetes: no value means ready.
      if (!ip || conditions?.ready === false || conditions?.terminating) return []
      const address = addressType === 'IPv6' ? `[${ip}]:${port}` : `${ip}:${port}`
      return [{ name: targetRef?.name, address }]
    })
  })
  return [...new Map(pods.map((pod) => [pod.address, pod])).values()]
}

/** The name of the Deployment and of the Service of a ModelServer. */
export const workloadName = (server: string): string => fitted(server, '-server')

/** The server with these Pods as its replicas, in a fixed order. */
export function withPods(server: Server, pods: readonly ReadyPod[]): Server {
  const revisions = server.served.map((served) => ({
    served,
    beginning: beginningOf(`${workloadName(server.name)}-${served.revision}-`),
  }))
  const replicas = pods.map(({ name, address }) => {
    const beginning = name?.slice(0, -randomLetters)
    const [found, ...others] = revisions.filter((one) => one.beginning === beginning)
    const served = others.length ? undefined : found?.served
    return { address, hash: hashOf(address), ...servedBy(served, server) }
  })
  return { ...server, replicas: replicas.sort((a, b) => (a.address < b.address ? -1 : 1)) }
}

/**
 * A new Pod may be ready before the status says so: it serves what the spec requests. So does one whose
 * Model the status does not know, if it has the name that the spec gives.
 */
function servedBy(
  served: ServedModel | undefined,
  { knows, model }: Server,
): Pick<Replica, 'knows' | 'model'> {
  if (!served) return { knows, model }
  const { name, model: recorded = name === knows ? model : undefined } = served
  return { knows: name, model: recorded }
}

/** Kubernetes names a Pod after its ReplicaSet, cuts that to 58 characters, and adds 5 random ones. */
const beginningOf = (name: string): string => name.slice(0, 63 - randomLetters)
const randomLetters = 5
