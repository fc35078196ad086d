import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { estimate } from '../crds/duration.ts'
import { cutAt } from '../crds/text.ts'
import type { Session } from '../ui/wire.ts'
import { Actions } from './actions.tsx'
import { Badge } from './badge.tsx'
import { Chat } from './chat.tsx'
import { Children } from './children.tsx'
import { keyOfRight, readsLogs, rightsOf } from './core/actions.ts'
import { graphOf, idOf, referencesOf } from './core/graph.ts'
import { hashOf, type Place } from './core/place.ts'
import { progressOf } from './core/progress.ts'
import { conditionOf, longestMessage, meaningOf, stateOf, todoOf, toneOf } from './core/state.ts'
import { happeningsOf, jobsOf, type Known, podsOf, type Thing } from './core/things.ts'
import { Curves } from './curves.tsx'
import { Logs } from './logs.tsx'
import { useRights } from './rights.ts'
import { Timeline } from './timeline.tsx'
import { useNow } from './world.ts'
import { Yaml } from './yaml.tsx'

interface Props {
  readonly thing: Thing | undefined
  readonly things: readonly Thing[]
  readonly known: Known
  readonly session: Session
  readonly place: Place
  readonly isKnown: boolean
}

/** One object, and everything that belongs to it. */
export function Details({ thing, things, known, session, place, isKnown }: Props) {
  const heading = useRef<HTMLHeadingElement>(null)
  // A screen reader continues there, and so does the next Tab. In a layout effect, because a later one
  // would take the focus from where somebody has moved it meanwhile.
  useLayoutEffect(() => heading.current?.focus(), [])
  const kind = session.kinds.find(({ plural }) => plural === place.plural)
  const title = `${kind?.kind ?? place.plural} ${place.name}`
  const close = hashOf({ view: place.view })
  return (
    <section class="details" aria-labelledby="details">
      <a class="close" href={close}>
        Close
      </a>
      <h2 id="details" tabIndex={-1} ref={heading}>
        {title}
      </h2>
      {thing ? (
        <Shown thing={thing} things={things} known={known} session={session} place={place} />
      ) : (
        <p>{isKnown ? 'It does not exist, or has been deleted.' : 'Reading objects…'}</p>
      )}
    </section>
  )
}

type ShownProps = Omit<Props, 'isKnown'> & { readonly thing: Thing }

function Shown({ thing, things, known, session, place }: ShownProps) {
  const now = useNow(1)
  const plural = place.plural ?? ''
  const allowed = useRights(session.namespace, thing.metadata.name, rightsOf(plural))
  const { tone, word, message } = stateOf(thing)
  const [jobs, pods] = [jobsOf(known, thing), podsOf(known, thing)]
  const todo = todoOf(thing, jobs, pods)
  const progress = progressOf(thing)
  return (
    <>
      <p>
        <Badge tone={tone} word={word} /> {cutAt(message, longestMessage)}
      </p>
      {todo && <p class="todo">What to do: {todo}</p>}
      <Actions thing={thing} plural={plural} namespace={session.namespace} allowed={allowed} />
      {progress && (
        <section aria-labelledby="progress">
          <h3 id="progress">Progress</h3>
          {progress.percent !== undefined && (
            <progress aria-labelledby="progress" max={100} value={progress.percent} />
          )}
          <p>
            {[
              ...(progress.percent === undefined ? [] : [`${progress.percent}%`]),
              ...progress.words,
              ...(progress.until === undefined
                ? []
                : [`${estimate((progress.until - now) / 1000)} left`]),
            ].join(', ')}
          </p>
          <Curves sets={[{ name: thing.metadata.name, curves: progress.curves }]} />
        </section>
      )}
      <Timeline thing={thing} jobs={jobs} now={now} />
      <Relations thing={thing} things={things} session={session} view={place.view} />
      {thing.kind === 'ModelServer' && <Chat server={thing} />}
      <Children jobs={jobs} pods={pods} now={now} />
      <Logs
        namespace={session.namespace}
        pods={pods}
        isAllowed={allowed?.has(keyOfRight(readsLogs))}
      />
      <Conditions thing={thing} />
      <Happenings thing={thing} known={known} />
      {thing.kind === 'Model' && <CompareWith thing={thing} things={things} />}
      <Yaml thing={thing} plural={plural} />
    </>
  )
}

/** What it was made from, and what was made from it. */
function Relations({
  thing,
  things,
  session: { kinds },
  view,
}: Pick<Props, 'things' | 'session'> & Pick<Place, 'view'> & { readonly thing: Thing }) {
  // Not each second, when only the times change.
  const { edges, nodes } = useMemo(() => graphOf(things, kinds), [things, kinds])
  const own = idOf(thing.kind, thing.metadata.name)
  const into = edges.filter(({ from }) => from === own).map(({ to }) => to)
  const lists = [
    { label: 'Made from', these: referencesOf(thing, kinds).map(({ id }) => id) },
    { label: 'Used by', these: into },
  ]
  return (
    <>
      {lists
        .filter(({ these }) => these.length)
        .map(({ label, these }) => (
          <section key={label} aria-label={label}>
            <h3>{label}</h3>
            <ul>
              {these.map((id) => {
                const node = nodes.find((one) => one.id === id)
                const plural = kinds.find(({ kind }) => kind === node?.kind)?.plural
                const state = node?.thing && stateOf(node.thing)
                return (
                  <li key={id}>
                    <a href={hashOf({ view, plural, name: node?.name })}>
                      {node?.kind} {node?.name}
                    </a>{' '}
                    {state ? <Badge {...state} /> : 'does not exist'}
                  </li>
                )
              })}
            </ul>
          </section>
        ))}
    </>
  )
}

function Conditions({ thing }: { readonly thing: Thing }) {
  const conditions = thing.status?.conditions ?? []
  const isStalled = conditionOf(thing, 'Stalled')?.status === 'True'
  return (
    <section aria-labelledby="conditions">
      <h3 id="conditions">Conditions</h3>
      <dl>
        {conditions.map((condition) => (
          <div key={condition.type}>
            <dt>
              {condition.type}: {condition.status},{' '}
              <span title={meaningOf(condition.reason)}>
                <Badge tone={toneOf(condition, isStalled)} word={condition.reason} />
              </span>{' '}
              <time>{condition.lastTransitionTime}</time>
            </dt>
            {condition.message.length > longestMessage ? (
              // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
              <dd class="scrolls" tabIndex={0}>
                {condition.message}
              </dd>
            ) : (
              <dd>{condition.message}</dd>
            )}
          </div>
        ))}
      </dl>
    </section>
  )
}

function Happenings({ thing, known }: { readonly thing: Thing; readonly known: Known }) {
  const happenings = happeningsOf(known, thing)
  return (
    <section aria-labelledby="events">
      <h3 id="events">Events</h3>
      {happenings.length ? (
        <ol>
          {happenings.map(({ metadata, involvedObject, type, reason, message, count, time }) => (
            <li key={metadata.name} class={type === 'Warning' ? 'warning' : undefined}>
              <time>{time}</time> {involvedObject?.kind} {involvedObject?.name}:{' '}
              <strong>{reason}</strong> {message}
              {(count ?? 1) > 1 && ` (${count} times)`}
            </li>
          ))}
        </ol>
      ) : (
        <p>There are none; Kubernetes forgets them after an hour.</p>
      )}
    </section>
  )
}

function CompareWith({
  thing,
  things,
}: {
  readonly thing: Thing
  readonly things: readonly Thing[]
}) {
  const others = things.filter(
    ({ kind, metadata }) => kind === 'Model' && metadata.name !== thing.metadata.name,
  )
  if (!others.length) return null
  return (
    <p>
      <label>
        Compare with{' '}
        <select
          value=""
          onChange={({ currentTarget: { value: other } }) => {
            location.hash = hashOf({ view: 'compare', name: thing.metadata.name, other })
          }}
        >
          <option value="">another Model…</option>
          {others.map(({ metadata: { name } }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
    </p>
  )
}
