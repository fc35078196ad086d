import { progressLimits } from '../../crds/progress.ts'
import { isObject } from '../../crds/schema/json.ts'
import { cutAt, onOneLine } from '../../crds/text.ts'

/**
 * A report as its sender meant it, from one of two protocols. A number that makes no sense where it is,
 * such as a negative step, is left out; a metric may have any value.
 */
export interface Report {
  /** From 0 to 100. */
  readonly percent?: number
  readonly step?: number
  readonly of?: number
  readonly message?: string
  /** In the order in which they were sent. */
  readonly metrics: readonly Metric[]
  /** How many seconds are left, if the sender knows. */
  readonly secondsLeft?: number
}

export type Metric = readonly [name: string, value: number]

/** A body as a report, or why it is none. */
export function reportIn(body: string): Report | string {
  const value = parsed(body)
  if (value === undefined)
    return 'the body is not JSON; an example: {"step": 450, "of": 1000, "metrics": {"loss": 0.51}}'
  if (!isObject(value)) return 'the body must be a JSON object, such as {"percent": 45}'
  const report = isObject(value.trainerStatus) ? ofTrainer(value.trainerStatus) : ofOurs(value)
  if (typeof report === 'string') return report
  return Object.keys(report).length > 1 || report.metrics.length
    ? report
    : 'the body contains none of step, of, percent, metrics and message with a value that can be shown'
}

/**
 * Python writes NaN and Infinity where JSON has no word for them: they become strings. A string that does not
 * end matches too, to the end of the body: otherwise each quotation mark in it would begin a search of its own.
 */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    try {
      return JSON.parse(
        body.replace(/"(?:[^"\\]|\\.)*(?:"|\\?$)|-?\b(?:NaN|Infinity)\b/gs, (found) =>
          found.startsWith('"') ? found : `"${found}"`,
        ),
      )
    } catch {
      return undefined
    }
  }
}

type Fields = Readonly<Record<string, unknown>>

const numbers = ['step', 'of', 'percent'] as const

function ofOurs(fields: Fields): Report | string {
  for (const field of numbers)
    if (numberIn(fields[field]) === undefined && isSet(fields[field]))
      return `${field}: Invalid value: must be a number`
  const { message, metrics } = fields
  if (isSet(message) && typeof message !== 'string')
    return 'message: Invalid value: must be a string'
  if (isSet(metrics) && !isObject(metrics))
    return 'metrics: Invalid value: must be an object, such as {"loss": 0.51}'
  const entries = Object.entries((metrics as Fields | undefined) ?? {})
  const wrong = entries.find(([, value]) => isSet(value) && numberIn(value) === undefined)
  if (wrong) return `metrics.${cutAt(onOneLine(wrong[0]), 64)}: Invalid value: must be a number`
  return reportOf(fields.step, fields.of, fields.percent, message, entries)
}

/** null is what Python's None becomes. */
const isSet = (value: unknown): boolean => value !== undefined && value !== null

/**
 * What Kubeflow Trainer's runtimes send, among them the callback of Hugging Face's transformers: all values
 * of metrics are text, and two of them are steps.
 */
function ofTrainer({ progressPercentage, estimatedRemainingSeconds, metrics }: Fields): Report {
  const pairs = (Array.isArray(metrics) ? metrics : []).flatMap((one): [string, unknown][] =>
    isObject(one) && typeof one.name === 'string' ? [[one.name, one.value]] : [],
  )
  const of = (name: string) => numberIn(pairs.find(([own]) => own === name)?.[1])
  const epoch = of('current_epoch')
  const left = numberIn(estimatedRemainingSeconds)
  const others = pairs.filter(([name]) => !trainerSteps.includes(name))
  return {
    ...reportOf(
      of('current_step'),
      of('total_steps'),
      progressPercentage,
      epoch !== undefined && Number.isFinite(epoch) ? `epoch ${epoch}` : undefined,
      others,
    ),
    ...(left !== undefined && isCount(left) && { secondsLeft: left }),
  }
}

const trainerSteps = ['current_step', 'total_steps', 'current_epoch']

function reportOf(
  step: unknown,
  of: unknown,
  percent: unknown,
  message: unknown,
  metrics: readonly (readonly [string, unknown])[],
): Report {
  const count = (value: unknown) => {
    const found = numberIn(value)
    return found !== undefined && isCount(found) ? Math.floor(found) : undefined
  }
  const [at, all] = [count(step), count(of)]
  const share = numberIn(percent)
  const words = typeof message === 'string' ? onOneLine(message) : ''
  return {
    ...(share !== undefined && share >= 0 && share <= 100 && { percent: share }),
    ...(at !== undefined && { step: at }),
    ...(all && { of: all }),
    ...(words && { message: cutAt(words, progressLimits.message - 1) }),
    metrics: metrics.flatMap(metricOf).slice(0, progressLimits.metrics),
  }
}

function metricOf([name, value]: readonly [string, unknown]): readonly Metric[] {
  const shown = onOneLine(name)
  const found = numberIn(value)
  return shown && shown.length <= progressLimits.metricName && found !== undefined
    ? [[shown, found]]
    : []
}

const isCount = (value: number): boolean => value >= 0 && value <= Number.MAX_SAFE_INTEGER

/** Words for what is no finite number, as Python's str() and our own reading of its JSON write them. */
const notFinite: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  '-infinity': Number.NEGATIVE_INFINITY,
}

function numberIn(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return undefined
  const word = value.trim().toLowerCase()
  if (Object.hasOwn(notFinite, word)) return notFinite[word]
  return /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/.test(word) ? Number(word) : undefined
}
