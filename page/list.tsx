import { useMemo, useState } from 'preact/hooks'
import { ageOf } from '../crds/duration.ts'
import { cutAt } from '../crds/text.ts'
import type { Session } from '../ui/wire.ts'
import { Badge } from './badge.tsx'
import { hashOf, type Place } from './core/place.ts'
import { progressOf } from './core/progress.ts'
import { longestMessage, stateOf } from './core/state.ts'
import type { Thing } from './core/things.ts'
import { useNow } from './world.ts'

interface Props {
  readonly things: readonly Thing[]
  readonly session: Session
  readonly place: Place
  readonly isKnown: boolean
}

/** All objects, a row each. */
export function List({ things, session, place, isKnown }: Props) {
  const [text, setText] = useState('')
  const [only, setOnly] = useState('')
  const now = useNow(30)
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const shown = things.filter(
    (thing) => (!only || thing.kind === only) && words.every((word) => matches(thing, word)),
  )
  return (
    <section class="list" aria-label="Objects">
      <search>
        <label>
          Filter <kbd>/</kbd>{' '}
          <input
            id="filter"
            type="search"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <label>
          Kind{' '}
          <select value={only} onChange={(event) => setOnly(event.currentTarget.value)}>
            <option value="">all</option>
            {session.kinds.map(({ kind }) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
        </label>
        <output>
          {isKnown ? `${shown.length} of ${things.length} objects` : 'reading objects…'}
        </output>
      </search>
      <table>
        <thead>
          <tr>
            <th scope="col">Kind</th>
            <th scope="col">Name</th>
            <th scope="col">Ready</th>
            <th scope="col">Age</th>
            <th scope="col">Message</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((thing) => {
            const plural = session.kinds.find(({ kind }) => kind === thing.kind)?.plural ?? ''
            return (
              <Row
                key={`${thing.kind}/${thing.metadata.name}`}
                thing={thing}
                age={ageOf(thing.metadata.creationTimestamp, now)}
                href={hashOf({ view: 'list', plural, name: thing.metadata.name })}
                isOpen={place.plural === plural && place.name === thing.metadata.name}
              />
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

const matches = (thing: Thing, word: string): boolean => {
  const { word: reason, message } = stateOf(thing)
  return [thing.kind, thing.metadata.name, reason, message].some((text) =>
    text.toLowerCase().includes(word),
  )
}

interface RowProps {
  readonly thing: Thing
  readonly age: string
  readonly href: string
  readonly isOpen: boolean
}

/** An object that has not changed is not drawn again: the same element is no work. */
const Row = ({ thing, age, href, isOpen }: RowProps) =>
  useMemo(() => {
    const { tone, word, message } = stateOf(thing)
    const progress = progressOf(thing)
    return (
      <tr class={isOpen ? 'open' : undefined}>
        <td>{thing.kind}</td>
        <th scope="row">
          <a href={href} aria-current={isOpen ? 'true' : undefined}>
            {thing.metadata.name}
          </a>
        </th>
        <td>
          <Badge tone={tone} word={word} />
          {tone === 'working' && progress?.percent !== undefined && ` ${progress.percent}%`}
        </td>
        <td>{age}</td>
        <td class="message" title={message}>
          {cutAt(message, longestMessage)}
        </td>
      </tr>
    )
  }, [thing, age, href, isOpen])
