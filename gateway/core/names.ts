import { type Server, withAdapter, withModel } from './servers.ts'

/**
 * The names of models in one namespace, and the servers behind each. The first class of names that has a
 * name decides: a server's own name, aliases, adapters, the name of its Model.
 */
export type Names = ReadonlyMap<string, readonly Server[]>

interface Named {
  readonly name: string
  /** The server, as requests for that name see it. */
  readonly server: Server
}

interface NameClass {
  readonly of: (server: Server) => readonly Named[]
  /**
   * Only servers with an equal alias share its requests. Several servers of one Model do not: the oldest
   * has them all, so that a test server takes no production traffic by accident.
   */
  readonly isShared: boolean
}

const classes: readonly NameClass[] = [
  { of: (server) => [{ name: server.name, server }], isShared: false },
  {
    of: (server) => [...new Set(server.aliases)].map((name) => ({ name, server })),
    isShared: true,
  },
  {
    of: (server) =>
      server.adapters.map((adapter) => ({
        name: adapter.name,
        server: withAdapter(server, adapter),
      })),
    isShared: false,
  },
  { of: (server) => [{ name: server.model, server: withModel(server) }], isShared: false },
]

/** The names of the servers of one namespace, sorted. */
export function namesOf(servers: readonly Server[]): Names {
  const oldestFirst = servers.toSorted(
    (a, b) => compare(a.created, b.created) || compare(a.name, b.name),
  )
  const names = new Map<string, readonly Server[]>()
  for (const { of, isShared } of classes) {
    const found = Map.groupBy(oldestFirst.flatMap(of), ({ name }) => name)
    for (const [name, all] of found) {
      const behind = all.map(({ server }) => server)
      if (!names.has(name)) names.set(name, isShared ? behind : behind.slice(0, 1))
    }
  }
  return new Map([...names].sort(([a], [b]) => compare(a, b)))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** How many near names a message lists. */
const mostNear = 3
/** A namespace may have any number of names, and anybody with the right may ask for wrong ones all day. */
const mostCompared = 1000

/** The names that a wrong one may have meant, the nearest first. */
export function nearTo(wrong: string, names: Names): readonly string[] {
  const given = wrong.toLowerCase().slice(0, longest)
  const furthest = Math.max(2, Math.floor(given.length / 3))
  return [...names.keys()]
    .slice(0, mostCompared)
    .map((name) => ({ name, distance: distanceOf(given, name.toLowerCase().slice(0, longest)) }))
    .filter(({ distance }) => distance <= furthest)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, mostNear)
    .map(({ name }) => name)
}

/** Of longer names, the beginning is compared. */
const longest = 64

/** How many letters to add, remove or replace; a part of the other name is one step away. */
function distanceOf(a: string, b: string): number {
  if (a.length >= 3 && b.length >= 3 && (a.includes(b) || b.includes(a))) return 1
  let row = Uint8Array.from({ length: b.length + 1 }, (_, at) => at)
  let next = new Uint8Array(row.length)
  for (let at = 0; at < a.length; at++) {
    next[0] = at + 1
    for (let to = 1; to <= b.length; to++) {
      const replaced = (row[to - 1] ?? 0) + (b[to - 1] === a[at] ? 0 : 1)
      next[to] = Math.min(replaced, (row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1)
    }
    ;[row, next] = [next, row]
  }
  return row[b.length] ?? 0
}
