import { ageOf } from '../crds/duration.ts'
import { onOneLine } from '../crds/text.ts'
import { type Told, timeOf, type Why } from './causes.ts'

/** What `why` prints: a step to the right for each cause, then what to do. `now` in milliseconds. */
export function whyLines(why: Why, now: number): readonly string[] {
  const { causes, meaning, todo, hindrance, command } = why
  const chain = causes.flatMap(({ title, says, events }, depth) => {
    const indent = '  '.repeat(Math.max(0, depth - 1))
    const lead = depth ? `${indent}└─` : ''
    return [
      `${lead}${onOneLine(`${title}: ${says}`)}`,
      ...events.map((event) => `${indent}    ${eventLine(event, now)}`),
    ]
  })
  const advice = [
    meaning,
    todo,
    hindrance && onOneLine(hindrance),
    command && `  ${command}`,
  ].flatMap((line) => line || [])
  return [...chain, ...(advice.length ? ['', ...advice] : [])]
}

function eventLine(event: Told, now: number): string {
  const { type = 'Normal', reason = '', message = '', count = 1 } = event
  const times = count > 1 ? `, ${count} times` : ''
  return onOneLine(`${type} ${reason} (${ageOf(timeOf(event), now)} ago${times}): ${message}`)
}
