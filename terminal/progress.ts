import { isObject } from '../crds/schema/json.ts'
import { onOneLine } from '../crds/text.ts'

/** How far an object's work is. */
export interface Progress {
  /** Absent if the work does not know how much is left. */
  readonly percent?: number
  /** As kubectl's column says it: `45% loss 0.51, 2h left`, or `step 450 loss 0.51`. */
  readonly words: string
  /** Differs where the progress is worth a new line of a log. */
  readonly landmark: string
}

/** From status.progress; undefined without one, and once the work has ended, because the summary goes then. */
export function progressOf(status: unknown): Progress | undefined {
  const progress = isObject(status) ? status.progress : undefined
  if (!isObject(progress) || typeof progress.summary !== 'string') return undefined
  const { percent, message } = progress
  const words = onOneLine(progress.summary)
  if (!words) return undefined
  if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100))
    return { words, landmark: typeof message === 'string' ? withoutNumbers(message) : '' }
  const whole = Math.floor(percent)
  return { percent: whole, words, landmark: String(whole) }
}

/** A message that counts, such as `file 3 of 500`, is another one in each report. */
const withoutNumbers = (message: string): string =>
  message.replace(/[-+]?\d+(?:[.,:]\d+)*(?:e[-+]?\d+)?/gi, '#')

const cells = 10

/** `████░░░░░░` */
export const barOf = (percent: number): string => {
  const full = Math.floor((percent / 100) * cells)
  return `${'█'.repeat(full)}${'░'.repeat(cells - full)}`
}
