import { describe, expect, test } from 'vitest'
import { logLines } from '../../../cli/loglines.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

/** All lines of these pieces. */
function read(pieces: readonly (string | Uint8Array)[], after?: string): readonly string[] {
  const lines = logLines(after)
  const all = pieces.flatMap((piece) => lines.add(typeof piece === 'string' ? bytes(piece) : piece))
  return [...all, ...lines.end()]
}

const at = (second: number, text: string) => `2026-01-01T00:00:0${second}.5Z ${text}\n`
const snowman = bytes('☃\n')

describe('the lines of a log', () => {
  test.each([
    { when: 'they come in pieces', pieces: ['on', 'e\ntw', 'o\n'], is: ['one', 'two'] },
    { when: 'the last has no end', pieces: ['one\ntwo'], is: ['one', 'two'] },
    { when: 'they have times', pieces: [at(1, 'one'), at(2, '')], is: ['one', ''] },
    {
      when: 'a character is cut in two',
      pieces: [snowman.slice(0, 1), snowman.slice(1)],
      is: ['☃'],
    },
    {
      when: 'a progress bar redraws itself',
      pieces: [at(1, '\r 1%\r 2%')],
      is: [' 1%', ' 2%'],
    },
    { when: 'a line ends as on Windows', pieces: ['one\r\ntwo\r\n'], is: ['one', 'two'] },
    { when: 'tabs indent', pieces: ['\tone\n'], is: ['    one'] },
    {
      when: 'they have escape sequences',
      pieces: ['\x1b[31mred\x1b[0m \x1b]52;c;ZXZpbA==\x07\x9b2Jend\u202e\n'],
      is: ['red ]52;c;ZXZpbA==end'],
    },
  ])('when $when', ({ pieces, is }) => {
    expect(read(pieces)).toEqual(is)
  })

  test('up to the time where it was cut off are not repeated', () => {
    const whole = ['2026-01-01T00:00:01Z a\n', '2026-01-01T00:00:01.25Z b\n', at(2, 'c')]
    expect(read(whole, '2026-01-01T00:00:01.25Z')).toEqual(['c'])
    expect(read(whole, '2026-01-01T00:00:01Z')).toEqual(['b', 'c'])
  })

  test('without an end do not fill the memory', () => {
    const lines = logLines()
    expect(lines.add(bytes('x'.repeat(100_000)))).toHaveLength(1)
    expect(lines.end()).toEqual([])
  })

  test('that are too long take no time from what a program has written', () => {
    const lines = logLines('2026-01-01T00:00:00Z')
    lines.add(bytes(`2026-01-01T00:00:01Z ${'x'.repeat(100_000)}`))
    const forged = '9999-01-01T00:00:00Z the rest'
    expect(lines.add(bytes(`${forged}\n2026-01-01T00:00:02Z next\n`))).toEqual([forged, 'next'])
    expect(lines.last()).toBe('2026-01-01T00:00:02Z')
  })

  test('that are too long and were read before are not repeated in part', () => {
    const lines = logLines('2026-01-01T00:00:01Z')
    lines.add(bytes(`2026-01-01T00:00:01Z ${'x'.repeat(100_000)}`))
    expect(lines.add(bytes('xx\n2026-01-01T00:00:02Z next\n'))).toEqual(['next'])
  })
})

test('the time of the last line is known, to go on from there', () => {
  const lines = logLines()
  lines.add(bytes(at(1, 'a') + at(2, 'b')))
  expect(lines.last()).toBe('2026-01-01T00:00:02.5Z')
})
