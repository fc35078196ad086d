import { useState } from 'preact/hooks'
import { comparedRows } from './core/compare.ts'
import { hashOf, type Place } from './core/place.ts'
import { progressOf } from './core/progress.ts'
import type { Thing } from './core/things.ts'
import { Curves } from './curves.tsx'

interface Props {
  readonly a: Thing | undefined
  readonly b: Thing | undefined
  readonly place: Place
  readonly isKnown: boolean
}

/** Two Models side by side: what they were made from, with what, and what came of it. */
export function Compare({ a, b, place, isKnown }: Props) {
  const [isAll, setAll] = useState(false)
  const back = hashOf({ view: 'list', plural: place.plural, name: place.name })
  const rows = a && b ? comparedRows(a, b) : []
  const shown = rows.filter(({ isSame }) => isAll || !isSame)
  return (
    <section class="compare" aria-labelledby="compare">
      <a class="close" href={back}>
        Close
      </a>
      <h2 id="compare">
        Model {place.name} and Model {place.other}
      </h2>
      {!(a && b) && (
        <p>
          {isKnown ? `Model ${a ? place.other : place.name} does not exist.` : 'Reading objects…'}
        </p>
      )}
      {a && b && (
        <>
          <label>
            <input
              type="checkbox"
              checked={isAll}
              onChange={(event) => setAll(event.currentTarget.checked)}
            />{' '}
            what is the same, too
          </label>
          <table>
            <thead>
              <tr>
                <th scope="col">Field</th>
                <th scope="col">{place.name}</th>
                <th scope="col">{place.other}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <tr key={row.field} class={row.isSame ? undefined : 'differs'}>
                  <th scope="row">{row.field}</th>
                  <td>{row.a}</td>
                  <td>{row.b}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {!shown.length && <p>They are the same.</p>}
          <Curves
            sets={[a, b].map((one) => ({
              name: one.metadata.name,
              curves: progressOf(one)?.curves ?? [],
            }))}
          />
        </>
      )}
    </section>
  )
}
