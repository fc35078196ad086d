import type { Parent } from '../crds/kind.ts'
import { cutAt, onOneLine } from '../crds/text.ts'

/** One object as `up` shows it. */
export interface Row {
  readonly kind: string
  readonly name: string
  readonly ready: string
  readonly reason: string
  readonly message: string
  /** Whether nothing changes until somebody acts. */
  readonly isStalled?: boolean
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

/** An object's Ready condition; before the first sync there is none. */
export function rowOf({ kind, metadata, status }: Parent): Row {
  const { name, namespace = 'default' } = metadata
  const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly Condition[] }
  const ready = conditions.find(({ type }) => type === 'Ready')
  const stalled = conditions.find(({ type }) => type === 'Stalled')
  return {
    kind,
    name: namespace === 'default' ? name : `${namespace}/${name}`,
    ready: ready?.status ?? '-',
    reason: ready?.reason ?? '-',
    message: ready?.message ?? 'not seen by the controller yet',
    ...(stalled?.status === 'True' && { isStalled: true }),
  }
}

const head: Row = {
  kind: 'KIND',
  name: 'NAME',
  ready: 'READY',
  reason: 'REASON',
  message: 'MESSAGE',
}

// Wide enough for the usual reasons, so that lines printed later stay aligned.
const minWidths = { kind: 11, name: 8, ready: 5, reason: 16 }

/** A heading and a line for each row, cut at `width`. */
export function tableLines(seen: readonly Row[], width = Number.POSITIVE_INFINITY): string[] {
  const rows = seen.map(asShown)
  const columns = ['kind', 'name', 'ready', 'reason'] as const
  const widths = columns.map((column) =>
    Math.max(minWidths[column], ...rows.map((row) => row[column].length)),
  )
  return [head, ...rows].map((row) => {
    const cells = columns.map((column, index) => row[column].padEnd(widths[index] ?? 0))
    const line = [...cells, row.message].join('  ').trimEnd()
    return line.length > width ? cutAt(line, width - 1) : line
  })
}

/** The cluster is not trusted: anyone who can write a status could send escape sequences here. */
const asShown = ({ kind, name, ready, reason, message }: Row): Row => ({
  kind: onOneLine(kind),
  name: onOneLine(name),
  ready: onOneLine(ready),
  reason: onOneLine(reason),
  message: onOneLine(message),
})

/** Whether an object is stalled, and all others are, are Ready or wait for one of these. */
export const isStuck = (rows: readonly Row[]): boolean =>
  rows.some(({ isStalled }) => isStalled) &&
  rows.every(
    ({ ready, reason, isStalled }) => ready === 'True' || isStalled || reason === 'Waiting',
  )

export const allReady = (rows: readonly Row[]): boolean =>
  rows.every(({ ready }) => ready === 'True')
