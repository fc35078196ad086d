import { bounds } from './bounds.ts'
import {
  choice,
  integer,
  list,
  map,
  number,
  object,
  string,
  type TypeOf,
} from './schema/builders.ts'

/** How far work has come, as it reports itself. */

/** Limits of what is shown of a report. A report may be larger, but not longer than 4 KiB. */
export const progressLimits = {
  metrics: 16,
  metricName: 64,
  message: 256,
  summary: 80,
  curves: 3,
  points: 50,
} as const

const metricName = string('The metric.', { minLength: 1, maxLength: progressLimits.metricName })

const curve = object(
  'How a metric has developed since the attempt began. Points are thinned out as their number grows.',
  {
    metric: metricName,
    over: choice('What `at` counts.', ['step', 'percent', 'second']),
    at: list(
      'The position of each point: a step, a percentage, or the seconds after `since`.',
      number('A position.'),
      {
        maxItems: progressLimits.points,
      },
    ),
    values: list('The value at each point.', number('A value.'), {
      maxItems: progressLimits.points,
    }),
  },
  { required: ['metric', 'over', 'at', 'values'] },
)
export type Curve = TypeOf<typeof curve>

export const progress = object(
  'How far the current stage has come, according to its own reports, or how far the last one came. Nothing depends on it: exit codes decide.',
  {
    job: string('The Job that reported.', bounds.name),
    stage: choice('Its stage.', ['build', 'load', 'run', 'seal', 'package']),
    percent: integer('How much is done.', { format: 'int32', minimum: 0, maximum: 100 }),
    step: integer('The last step, or the number of bytes so far.', {
      format: 'int64',
      minimum: 0,
    }),
    of: integer('How many steps or bytes there are in total.', { format: 'int64', minimum: 0 }),
    message: string('What it is doing, in its own words.', { maxLength: progressLimits.message }),
    metrics: map(
      'Its metrics, as text, because a value may be NaN or infinite.',
      string('The value.', { maxLength: 32 }),
      { maxProperties: progressLimits.metrics },
    ),
    summary: string(
      'The same in a few words, for a column of kubectl. Absent once the stage has ended.',
      {
        maxLength: progressLimits.summary,
      },
    ),
    since: string('When its first report arrived.', bounds.time),
    reported: string('When the report that is shown here arrived.', bounds.time),
    updated: string('When this was written.', bounds.time),
    eta: string('When it will be done, if it continues at this pace.', bounds.time),
    silentSince: string(
      'Since when no report has arrived, if that is ten times as long as usual.',
      bounds.time,
    ),
    curve: list('The first metrics of a load or a run over time.', curve, {
      maxItems: progressLimits.curves,
    }),
  },
  { required: ['job', 'stage', 'since', 'reported', 'updated'] },
)
export type ProgressStatus = TypeOf<typeof progress>
