import { onOneLine } from '../crds/text.ts'
import { fitted } from '../terminal/width.ts'
import type { Target } from './target.ts'

/** `Notebook "explore"` */
export const titleOf = ({ kind, name }: Target): string => `${kind.kind} "${name}"`

/** The error for a missing object, with the names that exist. */
export function notFound({ kind, name }: Target, namespace: string, there?: readonly string[]) {
  const missing = `${kind.kind} "${name}" does not exist in namespace "${namespace}"`
  if (!there) return missing
  const names = [...there].sort().join(', ')
  return names
    ? `${missing}; ${kind.plural} in namespace "${namespace}": ${names}`
    : `${missing}, and no other ${kind.singular} does`
}

/** The note about a Pod that pretends to belong to an object. */
export const foreignPod = (title: string, pod: string): string =>
  `note: Pod "${pod}" has the labels of ${title} but is not its own, so it is ignored: kubectl describe pod ${pod} names its owner`

export const suspended = (target: Target, already = false): string =>
  [
    `${titleOf(target)} is suspended${already ? ' already' : ''}`,
    target.kind.kind === 'Notebook' ? '; its home is kept' : '',
    `: kubectl open ${target.kind.singular} ${target.name} resumes it`,
  ].join('')

export const leftRunning = ({ kind, name }: Target): string =>
  `${kind.kind} "${name}" is left running: kubectl open ${kind.singular} ${name} --suspend stops it`

/** The default is to leave it running, so that nothing is stopped by mistake. */
export const question = (target: Target): string =>
  `Suspend ${titleOf(target)} (its home is kept), or leave it running? [s/L] `

export const wantsSuspend = (answer: string): boolean => /^s(uspend)?$/i.test(answer.trim())

/** One line of a terminal; `seconds` is given only if the line is redrawn. */
export function waitLine(target: Target, why: string, seconds?: number, width?: number): string {
  const time = seconds === undefined ? '' : ` (${seconds}s)`
  const line = `waiting for ${titleOf(target)}${time}: ${onOneLine(why)}`
  // The last column is the cursor's.
  return width ? fitted(line, width - 1) : line
}
