import type { Names } from '../gateway/core/names.ts'
import type { Server } from '../gateway/core/servers.ts'

/** What a person reads about the models at their address. */

/** A line for each ModelServer, by its name: the names that lead to it, and whether it answers. */
export function modelLines(names: Names): ReadonlyMap<string, string> {
  // By its own name, a server is as it is; by another, it may be as one of its adapters sees it.
  const servers = [...names].flatMap(([name, all]) => all.filter((server) => server.name === name))
  return new Map(
    servers.map((server) => [server.name, `${namesOf(server, names)}: ${stateOf(server)}`]),
  )
}

/** `chat (falcon, gpt-4o)` */
function namesOf({ name }: Server, names: Names): string {
  const others = [...names]
    .filter(([other, servers]) => other !== name && servers.some((it) => it.name === name))
    .map(([other]) => other)
  return others.length ? `${name} (${others.join(', ')})` : name
}

function stateOf({ state, says, replicas }: Server): string {
  switch (state) {
    case 'asleep':
      return 'asleep; a request wakes it'
    case 'stopped':
      return says
    case 'awake':
    case 'failed':
      return replicas.length ? 'ready' : says
  }
}

const question = 'Hello'

/** Asks a model, as a line for a shell. */
export const curlLine = (base: string, model: string): string =>
  `curl ${base}/chat/completions -H 'content-type: application/json' -d '${JSON.stringify({ model, messages: [{ role: 'user', content: question }] })}'`

export const pythonLine = (base: string, model: string): string =>
  `python3 -c 'from openai import OpenAI; print(OpenAI(base_url="${base}", api_key="none").chat.completions.create(model="${model}", messages=[{"role": "user", "content": "${question}"}]).choices[0].message.content)'`

/** The model to ask in an example: one that answers at once, or sleeps, before any other. */
export function modelToTry(names: Names): string {
  const servers = [...names.values()].flat()
  const found =
    servers.find(({ replicas }) => replicas.length) ??
    servers.find(({ state }) => state === 'asleep') ??
    servers[0]
  return found?.name ?? 'NAME'
}
