import type { Parent } from '../crds/kind.ts'
import { onOneLine } from '../crds/text.ts'
import { barOf, type Progress, progressOf } from './progress.ts'
import { fitted, padded, widthOf } from './width.ts'

/** One object as `up` and `watch` show it. */
export interface Row {
  readonly kind: string
  readonly name: string
  readonly ready: string
  readonly reason: string
  readonly message: string
  readonly progress?: Progress
  /** Whether nothing changes until somebody acts. */
  readonly isStalled?: boolean
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

/** An object's Ready condition; before the first sync there is none. `home` is the namespace that goes without saying. */
export function rowOf({ kind, metadata, status }: Parent, home = 'default'): Row {
  const { name, namespace = 'default' } = metadata
  const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly Condition[] }
  const ready = conditions.find(({ type }) => type === 'Ready')
  const stalled = conditions.find(({ type }) => type === 'Stalled')
  const progress = progressOf(status)
  return {
    kind,
    name: namespace === home ? name : `${namespace}/${name}`,
    ready: ready?.status ?? '-',
    reason: ready?.reason ?? '-',
    message: ready?.message ?? 'not seen by the controller yet',
    ...(progress && { progress }),
    ...(stalled?.status === 'True' && { isStalled: true }),
  }
}

const heads = { kind: 'KIND', name: 'NAME', ready: 'READY', reason: 'REASON' } as const

// Wide enough for the usual reasons, so that lines printed later stay aligned.
const minWidths = { kind: 11, name: 8, ready: 5, reason: 16 }

/** A heading and a line for each row, cut at `width`. */
export function tableLines(seen: readonly Row[], width = Number.POSITIVE_INFINITY): string[] {
  const rows = seen.map(asShown)
  const columns = ['kind', 'name', 'ready', 'reason'] as const
  const widths = columns.map((column) =>
    Math.max(minWidths[column], ...rows.map((row) => widthOf(row[column]))),
  )
  const cells = [heads, ...rows].map((row) =>
    columns.map((column, index) => padded(row[column], widths[index] ?? 0)),
  )
  const last = ['MESSAGE', ...rows.map(saying)]
  return cells.map((line, index) => fitted([...line, last[index]].join('  ').trimEnd(), width))
}

/** How far the work is comes before what it does: the end of a line may be cut. */
function saying({ message, progress }: Row): string {
  if (!progress) return message
  const { percent, words } = progress
  const bar = percent === undefined ? '' : `${barOf(percent)} `
  return `${bar}${words}  ${message}`
}

/** The cluster is not trusted: anyone who can write a status could send escape sequences here. */
const asShown = ({ kind, name, ready, reason, message, progress }: Row): Row => ({
  kind: onOneLine(kind),
  name: onOneLine(name),
  ready: onOneLine(ready),
  reason: onOneLine(reason),
  message: onOneLine(message),
  ...(progress && { progress: { ...progress, words: onOneLine(progress.words) } }),
})

/** Whether an object is stalled, and all others are, are Ready or wait for one of these. */
export const isStuck = (rows: readonly Row[]): boolean =>
  rows.some(({ isStalled }) => isStalled) &&
  rows.every(
    ({ ready, reason, isStalled }) => ready === 'True' || isStalled || reason === 'Waiting',
  )

export const allReady = (rows: readonly Row[]): boolean =>
  rows.every(({ ready }) => ready === 'True')
