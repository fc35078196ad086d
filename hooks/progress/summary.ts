import { estimate } from '../../crds/duration.ts'
import { type ProgressStatus, progressLimits } from '../../crds/progress.ts'
import { cutAt } from '../../crds/text.ts'

type Shown = Pick<ProgressStatus, 'percent' | 'step' | 'message' | 'metrics'>

/** A report in the few words that a column of kubectl has room for: `45% loss 0.51, 2h left`. */
export function summaryOf(shown: Shown, secondsLeft: number | undefined): string {
  const [metric] = Object.entries(shown.metrics ?? {})
  const far = shown.percent === undefined ? stepOf(shown) : `${shown.percent}%`
  const words = [far, metric && `${cutAt(metric[0], 24)} ${short(metric[1])}`].filter(Boolean)
  const what = words.join(' ') || cutAt(shown.message ?? '', 40)
  const left = secondsLeft === undefined ? [] : [`${estimate(secondsLeft)} left`]
  return cutAt([...(what ? [what] : []), ...left].join(', '), progressLimits.summary - 1)
}

/** The metrics of a status are sorted by the API server, so the summary is not made again. */
export const withoutTimeLeft = (summary: string): string =>
  summary.replace(/(^|, )[^ ,]+ left$/, '')

const stepOf = ({ step }: Shown): string => (step === undefined ? '' : `step ${step}`)

/** Three digits of a number; other words as they are. */
const short = (text: string): string => {
  const value = Number(text)
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : text
}
