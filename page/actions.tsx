import { useEffect, useRef, useState } from 'preact/hooks'
import { change, openInBrowser } from './api.ts'
import { type Action, actionsOf, keyOfRight } from './core/actions.ts'
import type { Thing } from './core/things.ts'

interface Props {
  readonly thing: Thing
  readonly plural: string
  readonly namespace: string
  readonly allowed: ReadonlySet<string> | undefined
}

/** Buttons for what this person may do; what takes hours to do again is asked for twice. */
export function Actions({ thing, plural, namespace, allowed }: Props) {
  const [asked, setAsked] = useState<Action['name']>()
  const [said, setSaid] = useState('')
  const box = useRef<HTMLDivElement>(null)
  const former = useRef(asked)
  useEffect(() => {
    // The button that had the focus is gone: what has replaced it gets the focus.
    const found = asked
      ? box.current?.querySelector<HTMLElement>('button[name=cancel]')
      : box.current?.querySelector<HTMLElement>(`button[name=${former.current}]`)
    if (asked !== former.current) found?.focus()
    former.current = asked
  }, [asked])
  const actions = actionsOf(plural).filter(({ fits }) => fits(thing))
  const mine = actions.filter(({ right }) => allowed?.has(keyOfRight(right)))

  async function act({ name, label, patch }: Action): Promise<void> {
    setAsked(undefined)
    setSaid(`${label}…`)
    try {
      if (patch)
        await change(namespace, plural, thing.metadata.name, patch(new Date().toISOString()))
      else await openInBrowser(plural, thing.metadata.name)
      setSaid(
        name === 'open'
          ? 'It opens as soon as it answers; the terminal says more.'
          : `${label}: done`,
      )
    } catch (error) {
      setSaid(`${label}: ${error instanceof Error ? error.message : error}`)
    }
  }

  return (
    <div class="actions" ref={box}>
      {mine.map((action) =>
        asked === action.name ? (
          <span key={action.name}>
            {action.ask}{' '}
            <button type="button" onClick={() => act(action)}>
              {action.label} now
            </button>{' '}
            <button type="button" name="cancel" onClick={() => setAsked(undefined)}>
              Cancel
            </button>
          </span>
        ) : (
          <button
            key={action.name}
            type="button"
            name={action.name}
            onClick={() => (action.ask ? setAsked(action.name) : act(action))}
          >
            {action.label}
          </button>
        ),
      )}
      {allowed && mine.length < actions.length && (
        <span>You may not do anything else with it: your rights allow you to look.</span>
      )}
      <span role="status">{said}</span>
    </div>
  )
}
