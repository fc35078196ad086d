import type { Memory } from '../observe/memory.ts'
import type { Child } from '../observe/protocol.ts'
import { no, type Verdict } from '../observe/verdict.ts'

/**
 * The verdict on a child that this answer requests and that does not exist yet. If an earlier answer
 * requested it too, it may never be created: another object may own its name.
 */
export function awaited(memory: Memory, kind: string, name: string): Verdict {
  if (!wasAwaited(memory, kind, name)) return creating(kind, name)
  const message = `${kind} "${name}" is wanted and does not exist: ${likelyCause(kind, name)}`
  return { ...no('ChildMissing', message), awaits: idOf(kind, name) }
}

/** The verdict on a child that an answer requests for the first time. */
export const creating = (kind: string, name: string): Verdict => ({
  ...no('Pending', `creating ${kind} "${name}"`),
  awaits: idOf(kind, name),
})

export const wasAwaited = ({ awaited }: Memory, kind: string, name: string): boolean =>
  awaited.includes(idOf(kind, name))

const idOf = (kind: string, name: string): string => `${kind}/${name}`

export const awaitedChild = (memory: Memory, { kind, metadata }: Child): Verdict =>
  awaited(memory, kind, metadata.name)

const likelyCause = (kind: string, name: string): string =>
  kind === 'Service' && /^[0-9]/.test(name)
    ? 'before Kubernetes 1.36 its name must begin with a letter, so give this object another name'
    : 'does another object own the name?'
