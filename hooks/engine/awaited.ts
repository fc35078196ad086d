import type { Memory } from '../observe/memory.ts'
import type { Child } from '../observe/protocol.ts'
import { no, type Verdict } from '../observe/verdict.ts'
import type { Facts } from './read.ts'

type Asked = Pick<Facts, 'memory' | 'now'>

/**
 * The verdict on a child that this answer requests and that does not exist yet. If an earlier answer
 * requested it long ago, it may never be created: another object may own its name.
 */
export function awaited({ memory, now }: Asked, kind: string, name: string): Verdict {
  if (!wasAwaited(memory, kind, name) || isRecent(memory.awaitedSince, now))
    return creating(kind, name)
  const message = `${kind} "${name}" is wanted and does not exist: ${likelyCause(kind, name)}`
  return { ...no('ChildMissing', message), awaits: idOf(kind, name) }
}

/**
 * The verdict on a child that an answer requests for the first time. A Job is still said to be starting
 * while its Pod is on its way.
 */
export const creating = (kind: string, name: string): Verdict => ({
  ...no('Pending', `${kind === 'Job' ? 'starting' : 'creating'} ${kind} "${name}"`),
  awaits: idOf(kind, name),
})

const wasAwaited = ({ awaited }: Memory, kind: string, name: string): boolean =>
  awaited.includes(idOf(kind, name))

const idOf = (kind: string, name: string): string => `${kind}/${name}`

export const awaitedChild = (facts: Asked, { kind, metadata }: Child): Verdict =>
  awaited(facts, kind, metadata.name)

/**
 * The child may exist: after errors of the API server, Metacontroller waits up to a minute before it lists
 * children again, and its requests lack those that it has created meanwhile. Times are rounded to ten seconds.
 */
const patienceSeconds = 60 + 10

/** False if a time is not known, as in a status of 0.1.0. */
const isRecent = (since = '', now = ''): boolean =>
  (Date.parse(now) - Date.parse(since)) / 1000 < patienceSeconds

/** Since when these children have been awaited, for the status: as recorded if one of them was awaited before. */
export function awaitedSince(
  { memory, now }: Asked,
  ids: readonly string[],
): { readonly awaitedSince?: string } {
  const isKnown = ids.some((id) => memory.awaited.includes(id))
  const since = isKnown ? memory.awaitedSince : now && toTenSeconds(now)
  return since === undefined ? {} : { awaitedSince: since }
}

/**
 * Metacontroller may send an older status than it has written: two answers in a row should seldom differ.
 */
const toTenSeconds = (time: string): string => time.replace(/\dZ$/, '0Z')

const likelyCause = (kind: string, name: string): string =>
  kind === 'Service' && /^[0-9]/.test(name)
    ? 'before Kubernetes 1.36 its name must begin with a letter, so give this object another name'
    : 'does another object own the name?'
