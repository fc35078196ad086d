import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { guardFrom, guardOf, tokensIn } from '../../../server/token.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-token-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const file = (text: string): string => {
  const path = join(folder, 'token')
  writeFileSync(path, text)
  return path
}

describe('a request to the hooks is accepted with a token', () => {
  test.each([
    { header: 'Bearer right', may: true },
    { header: 'bearer right', may: true },
    { header: 'Bearer  right', may: true },
    { header: 'Bearer other', may: true },
    { header: 'Bearer righ', may: false },
    { header: 'Bearer rightt', may: false },
    { header: 'Bearer Right', may: false },
    { header: 'Bearer right other', may: false },
    { header: 'Bearer ', may: false },
    { header: 'Basic right', may: false },
    { header: 'right', may: false },
    { header: '', may: false },
  ])('"$header": $may', ({ header, may }) => {
    expect(guardOf(['right', 'other'])(header)).toBe(may)
  })

  test('a request without the header is refused', () => {
    expect(guardOf(['right', 'other'])(undefined)).toBe(false)
  })
})

describe('a file of tokens', () => {
  test('has one token per line; surrounding spaces are ignored', () => {
    expect(tokensIn(file('  one\n\ntwo \r\n'))).toEqual(['one', 'two'])
  })
  test.each([
    { text: '', says: 'holds no token' },
    { text: ' \n\n', says: 'holds no token' },
    { text: 'one two', says: 'a token has no spaces' },
  ])('"$text" is refused: $says', ({ text, says }) => {
    expect(() => tokensIn(file(text))).toThrow(`${join(folder, 'token')}: ${says}`)
  })
})

describe('a changed file', () => {
  const lines: string[] = []
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) })

  test('is read again, also when a link above it changes, as in a mounted Secret', async () => {
    for (const [version, token] of ['first', 'second'].entries())
      writeFileSync(join(folder, `v${version}`), token)
    const path = join(folder, 'token')
    symlinkSync(join(folder, 'v0'), path)
    const guard = guardFrom(path, log)
    try {
      expect(guard('Bearer first')).toBe(true)
      rmSync(path)
      symlinkSync(join(folder, 'v1'), path)
      await expect.poll(() => guard('Bearer second'), { timeout: 20_000 }).toBe(true)
      expect(guard('Bearer first')).toBe(false)
    } finally {
      guard.stop()
    }
  }, 30_000)

  test('that is unusable leaves the old tokens in use, and is logged', async () => {
    const path = file('first')
    const guard = guardFrom(path, log)
    try {
      file('')
      await expect
        .poll(() => lines.join(''), { timeout: 20_000 })
        .toContain('the changed tokens are unusable, the old ones stay')
      expect(guard('Bearer first')).toBe(true)
    } finally {
      guard.stop()
    }
  }, 30_000)
})
