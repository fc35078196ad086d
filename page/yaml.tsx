import { useEffect, useMemo, useState } from 'preact/hooks'
import { schemaOf } from './api.ts'
import type { Thing } from './core/things.ts'
import { describedAt, yamlLines } from './core/yamllines.ts'

/** The object as it is stored, and on request what each field means. */
export function Yaml({ thing, plural }: { readonly thing: Thing; readonly plural: string }) {
  const [isShown, setShown] = useState(false)
  const [isExplained, setExplained] = useState(false)
  const [schemas, setSchemas] = useState<Awaited<ReturnType<typeof schemaOf>>>()
  useEffect(() => {
    if (isExplained) schemaOf(plural).then(setSchemas, () => setExplained(false))
  }, [isExplained, plural])
  // Not each second: only the times elsewhere on the page change then.
  const lines = useMemo(
    () => (isShown ? linesOf(thing, isExplained ? schemas : undefined) : undefined),
    [thing, isShown, isExplained, schemas],
  )
  return (
    <details onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary>
        <h3>YAML</h3>
      </summary>
      <label>
        <input
          type="checkbox"
          checked={isExplained}
          onChange={(event) => setExplained(event.currentTarget.checked)}
        />{' '}
        with descriptions
      </label>
      {isShown && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
        <section class="scrolls" aria-label="YAML" tabIndex={0}>
          <pre>{lines}</pre>
        </section>
      )}
    </details>
  )
}

const linesOf = (thing: Thing, schemas: Awaited<ReturnType<typeof schemaOf>> | undefined) =>
  yamlLines(thing).map(({ indent, text, path }, at, lines) => {
    const isNew = path.length > 0 && lines[at - 1]?.path !== path
    const description = schemas && isNew ? describedAt(schemas, path) : undefined
    const space = '  '.repeat(indent)
    return (
      <span key={at}>
        {description && <i>{`${space}# ${description}\n`}</i>}
        {`${space}${text}\n`}
      </span>
    )
  })
