import { isObject } from '../crds/schema/json.ts'
import { onOneLine } from '../crds/text.ts'

/** How far an object's work is: `45% loss 0.51, 2h left`. */
export interface Progress {
  readonly percent: number
  /** The rest: metrics, and the time that is left. */
  readonly words: string
}

/** From status.progress; undefined without one. `now` in milliseconds. */
export function progressOf(status: unknown, now: number): Progress | undefined {
  const progress = isObject(status) ? status.progress : undefined
  if (!isObject(progress)) return undefined
  const { job, summary, percent, metrics, message, eta } = progress
  // The summary goes when the work has ended; how far it came stays.
  if (job !== undefined && summary === undefined) return undefined
  if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100)) return undefined
  const measured = isObject(metrics)
    ? Object.entries(metrics).map(([name, value]) => `${name} ${String(value)}`)
    : []
  const left = typeof eta === 'string' ? leftUntil(Date.parse(eta), now) : ''
  const told = typeof message === 'string' && !measured.length ? [message] : measured
  return {
    percent: Math.floor(percent),
    words: [...told.map(onOneLine), left].filter(Boolean).join(', '),
  }
}

function leftUntil(time: number, now: number): string {
  const minutes = Math.ceil((time - now) / 60_000)
  if (!(minutes > 0)) return ''
  if (minutes < 120) return `${minutes}m left`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours}h left` : `${Math.round(hours / 24)}d left`
}

const cells = 10

/** `████░░░░░░` */
export const barOf = (percent: number): string => {
  const full = Math.floor((percent / 100) * cells)
  return `${'█'.repeat(full)}${'░'.repeat(cells - full)}`
}
