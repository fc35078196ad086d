import { namesOf } from '../../../gateway/core/names.ts'
import {
  type EndpointSlice,
  podsIn,
  type Server,
  type ServerObject,
  serverFrom,
  withPods,
} from '../../../gateway/core/servers.ts'

/** ModelServers as the gateway knows them, with only what a test is about. */

type More = Partial<ServerObject['spec']> & {
  /** status.adapters. */
  readonly served?: NonNullable<ServerObject['status']>['adapters']
  /** status.served. */
  readonly revisions?: NonNullable<ServerObject['status']>['served']
  /** Ready: `True Serving: serving`. */
  readonly ready?: string
  readonly stalled?: boolean
  readonly created?: string
  readonly deleted?: boolean
}

/** A ModelServer of the API server; its Model is "falcon". */
export function anObject(name: string, more: More = {}): ServerObject {
  const { ready = 'True Serving: serving', stalled, created, deleted, ...others } = more
  const { served, revisions, ...spec } = others
  const [, status = '', reason = '', message = ''] = /^(\S+) (\S+): (.*)$/.exec(ready) ?? []
  const condition = (type: string, is: string) => ({ type, status: is, reason, message })
  const conditions = [
    condition('Ready', status),
    ...(stalled ? [condition('Stalled', 'True')] : []),
  ]
  return {
    metadata: {
      name,
      namespace: 'team',
      creationTimestamp: created ?? '2026-01-01T00:00:00Z',
      ...(deleted && { deletionTimestamp: '2026-02-01T00:00:00Z' }),
    },
    spec: { model: { name: 'falcon' }, ...spec },
    status: {
      conditions: conditions as never,
      ...(served && { adapters: served }),
      ...(revisions && { served: revisions }),
    },
  }
}

/** The slice of a server's Service, with Pods at these addresses. */
export const aSlice = (addresses: readonly string[], more: object = {}): EndpointSlice => ({
  metadata: { name: 'slice', namespace: 'team' },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080 }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  ...more,
})

/** A server with so many ready replicas, as the gateway keeps it. */
export function aServer(name: string, replicas: number, more: More = {}): Server {
  const server = serverFrom(anObject(name, more))
  if (!server) throw new Error(`${name} is being deleted`)
  const addresses = Array.from({ length: replicas }, (_, at) => `${name}-${at}`)
  return withPods(server, podsIn([aSlice(addresses)]))
}

/** A server with these Pods, each at its name as an address. */
export function aServerOf(name: string, pods: readonly string[], more: More = {}): Server {
  const server = serverFrom(anObject(name, more))
  if (!server) throw new Error(`${name} is being deleted`)
  const endpoints = pods.map((pod) => ({ addresses: [pod], targetRef: { name: pod } }))
  return withPods(server, podsIn([aSlice([], { endpoints })]))
}

/** The names of these servers. */
export const known = (...servers: readonly Server[]) => namesOf(servers)
