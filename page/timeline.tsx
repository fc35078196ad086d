import { duration } from '../crds/duration.ts'
import { cutAt } from '../crds/text.ts'
import { Badge } from './badge.tsx'
import { longestMessage, type Tone } from './core/state.ts'
import type { Job, Thing } from './core/things.ts'
import { barsOf, heldFor, type JobSpan, lasted, timelineOf } from './core/timeline.ts'

interface Props {
  readonly thing: Thing
  readonly jobs: readonly Job[]
  readonly now: number
}

const tones: Readonly<Record<JobSpan['state'], Tone>> = {
  done: 'ready',
  failed: 'failed',
  suspended: 'stopped',
  running: 'working',
  waiting: 'waiting',
}

/** The stages of an object, and their Jobs on one axis of time. */
export function Timeline({ thing, jobs, now }: Props) {
  const stages = timelineOf(thing, jobs)
  const bars = barsOf(stages, now)
  if (!stages.length) return null
  return (
    <section aria-labelledby="stages">
      <h3 id="stages">Stages</h3>
      <ol class="stages">
        {stages.map((stage) => (
          <li key={stage.condition}>
            <strong>{stage.condition}</strong> <Badge tone={stage.tone} word={stage.word} />{' '}
            {stage.held && (
              <time dateTime={new Date(stage.held.since).toISOString()}>{heldFor(stage, now)}</time>
            )}
            <p>{cutAt(stage.message, longestMessage)}</p>
            {stage.jobs.length > 0 && (
              <ul>
                {stage.jobs.map((span) => {
                  const milliseconds = lasted(span, now)
                  const bar = bars.get(span.name)
                  return (
                    <li key={span.name}>
                      {span.stage} <Badge tone={tones[span.state]} word={span.state} />{' '}
                      {milliseconds !== undefined && duration(milliseconds / 1000)}{' '}
                      <code>{span.name}</code>
                      {bar && (
                        <svg
                          class="bar"
                          viewBox="0 0 1000 10"
                          preserveAspectRatio="none"
                          aria-hidden="true"
                        >
                          <rect class="axis" x="0" y="4" width="1000" height="2" />
                          <rect
                            class={tones[span.state]}
                            x={bar.from * 990}
                            y="0"
                            width={Math.max(10, bar.width * 1000)}
                            height="10"
                          />
                        </svg>
                      )}
                    </li>
                  )
                })}
              </ul>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}
