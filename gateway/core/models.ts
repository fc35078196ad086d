import type { Names } from './names.ts'
import type { Server } from './servers.ts'

/** A model as `GET /v1/models` shows it: OpenAI's fields, and whether it can answer at once. */
interface Listed {
  readonly id: string
  readonly object: 'model'
  /** Seconds since 1970. */
  readonly created: number
  readonly owned_by: string
  readonly status: 'ready' | 'asleep' | 'stopped' | 'not ready'
}

/** All names, those of sleeping servers too. */
export const listOf = (names: Names): object => ({
  object: 'list',
  data: [...names].map(([name, servers]) => listed(name, servers)),
})

/** One model; undefined if there is none of that name. */
export function modelNamed(name: string, names: Names): Listed | undefined {
  const servers = names.get(name)
  return servers && listed(name, servers)
}

function listed(id: string, servers: readonly Server[]): Listed {
  const [oldest] = servers
  return {
    id,
    object: 'model',
    created: Math.floor((Date.parse(oldest?.created ?? '') || 0) / 1000),
    owned_by: servers.map(({ name }) => name).join(','),
    status: statusOf(servers),
  }
}

function statusOf(servers: readonly Server[]): Listed['status'] {
  const has = (is: (server: Server) => boolean): boolean => servers.some(is)
  if (has(({ state, replicas }) => state === 'awake' && replicas.length > 0)) return 'ready'
  if (has(({ state }) => state === 'asleep')) return 'asleep'
  return has(({ state }) => state !== 'stopped') ? 'not ready' : 'stopped'
}
