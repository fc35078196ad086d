import { beforeEach, type TestContext } from 'vitest'

/**
 * The title of a test is a line of the specification. A test fails if the reporter would show the name of
 * a column (`$body`), a printed value (`[object Object]`), or the same line twice.
 */

const unreadable: readonly (readonly [RegExp, string])[] = [
  [/\$[a-z]\w*(?!.*\}\})|%(\.\d+)?[sdifjoOc](?!\w)/, 'shows a column that its table does not have'],
  [/\[object |\[Object\]|…\(\d/, 'prints a value: give the row a name'],
  [/\{ ?['"]?\w+['"]?: |\[ ['"]|[[{]"/, 'prints a value: give the row a name'],
  [/\bundefined\b/, 'prints a value that is missing'],
]

const lineOf = ({ name, suite }: TestContext['task']): string => {
  const above = []
  for (let at = suite; at; at = at.suite) above.unshift(at.name)
  return [...above, name].filter(Boolean).join(' > ')
}

const seen = new Map<string, string>()

beforeEach(({ task }) => {
  const line = lineOf(task)
  const [, fault] = unreadable.find(([pattern]) => pattern.test(task.name)) ?? []
  if (fault) throw new Error(`the name of this test ${fault}: ${line}`)
  const other = seen.get(`${task.file.id} ${line}`)
  if (other && other !== task.id) throw new Error(`another test has the name of this one: ${line}`)
  seen.set(`${task.file.id} ${line}`, task.id)
})
