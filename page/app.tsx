import { useEffect, useMemo, useRef } from 'preact/hooks'
import { Compare } from './compare.tsx'
import { hashOf, type Place } from './core/place.ts'
import { isKnown, type Known, thingNamed, thingsOf } from './core/things.ts'
import { Details } from './details.tsx'
import { GraphView } from './graph.tsx'
import { List } from './list.tsx'
import { usePlace, useWorld } from './world.ts'

const views = [
  { view: 'list', label: 'List' },
  { view: 'graph', label: 'Graph' },
] as const

export function App() {
  const { session, known, trouble, isOver } = useWorld()
  const place = usePlace()
  const things = useMemo(() => (session ? thingsOf(known, session) : []), [known, session])
  const title = place.name ?? session?.namespace
  useEffect(() => {
    document.title = title ? `${title} – Substratus` : 'Substratus'
  }, [title])
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const isTyping = (event.target as Element).closest(
        'input:not([type=checkbox]), textarea, select',
      )
      // In such a field, Escape clears a search or closes a menu.
      if (isTyping) return
      if (event.key === 'Escape' && place.name) location.hash = hashOf({ view: listOrGraph(place) })
      if (event.key !== '/') return
      event.preventDefault()
      document.getElementById('filter')?.focus()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [place])
  const former = useRef(place)
  useEffect(() => {
    // When an object is closed, the link that opened it gets the focus again.
    const { name } = former.current
    if (name && !place.name)
      document.querySelector<HTMLElement>(`a[href="${hashOf(former.current)}"]`)?.focus()
    former.current = place
  }, [place])

  const view = listOrGraph(place)
  const thing = place.name && thingNamed(known, place.plural ?? '', place.name)
  const other = place.other && thingNamed(known, place.plural ?? '', place.other)
  return (
    <>
      <header>
        <h1>Substratus</h1>
        {session && (
          <p>
            namespace <strong>{session.namespace}</strong> of {session.context}
          </p>
        )}
        <nav aria-label="Views">
          {views.map((one) => (
            <a
              key={one.view}
              href={hashOf({ ...place, view: one.view })}
              aria-current={view === one.view ? 'page' : undefined}
            >
              {one.label}
            </a>
          ))}
        </nav>
      </header>
      <p role="status" class={trouble ? 'trouble' : undefined}>
        {trouble ?? troublesIn(known)}
      </p>
      {session && !isOver && (
        <main class={place.name ? 'split' : undefined}>
          {place.view === 'compare' ? (
            <Compare
              a={thing || undefined}
              b={other || undefined}
              place={place}
              isKnown={isKnown(known, session)}
            />
          ) : (
            <>
              {view === 'graph' ? (
                <GraphView things={things} kinds={session.kinds} place={place} />
              ) : (
                <List
                  things={things}
                  session={session}
                  place={place}
                  isKnown={isKnown(known, session)}
                />
              )}
              {place.name && (
                <Details
                  key={`${place.plural}/${place.name}`}
                  thing={thing || undefined}
                  things={things}
                  known={known}
                  session={session}
                  place={place}
                  isKnown={isKnown(known, session)}
                />
              )}
            </>
          )}
        </main>
      )}
    </>
  )
}

const listOrGraph = ({ view }: Place): 'list' | 'graph' => (view === 'graph' ? view : 'list')

/** All resources may have the same trouble, as when the API server is gone. */
function troublesIn({ troubles, resources }: Known): string {
  const byMessage = new Map<string, string[]>()
  for (const [resource, message] of troubles)
    byMessage.set(message, [...(byMessage.get(message) ?? []), resource])
  return [...byMessage]
    .map(([message, these]) => {
      const what = these.length === resources.length ? 'the cluster' : these.join(', ')
      return `${what} cannot be read: ${message}`
    })
    .join('; ')
}
