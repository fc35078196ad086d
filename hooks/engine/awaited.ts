import type { Memory } from '../observe/memory.ts'
import type { Child } from '../observe/protocol.ts'
import { no, type Verdict } from '../observe/verdict.ts'

/**
 * The verdict on a child that this answer requests and that does not exist yet. If an earlier answer
 * requested it too, it may never be created: another object may own its name.
 */
export function awaited({ awaited }: Memory, kind: string, name: string): Verdict {
  const awaits = `${kind}/${name}`
  const verdict = awaited.includes(awaits)
    ? no(
        'ChildMissing',
        `${kind} "${name}" is wanted and does not exist: does another object own the name?`,
      )
    : no('Pending', `creating ${kind} "${name}"`)
  return { ...verdict, awaits }
}

export const awaitedChild = (memory: Memory, { kind, metadata }: Child): Verdict =>
  awaited(memory, kind, metadata.name)
