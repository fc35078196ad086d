import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

/** docs/security.md names the tests of each answer: if a test is renamed, the page must follow. */

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/security.md'), 'utf8')

const threats = page
  .split('\n')
  .filter((line) => /^\| (?!threat|actor|---)/.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| |\s*\|$/g, '')))

const proofs = [...page.matchAll(/`(test\/[^`]+)`((?: “[^”]+”)+)/g)].flatMap(
  ([, file = '', titles = '']) =>
    [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => ({ file, title })),
)

test('there are proofs', () => {
  expect(proofs.length).toBeGreaterThan(50)
})

describe('each test that docs/security.md names exists', () => {
  // The title of a table of tests has the names of its columns in it.
  const rows = proofs.map((proof) => ({ ...proof, name: proof.title.replace(/[$%](\w+)/g, 'X') }))
  test.each(rows)('$file: $name', ({ file, title }) => {
    expect(readFileSync(join(root, file), 'utf8')).toContain(title)
  })
})

describe('each threat has an answer and a test', () => {
  const answered = threats.filter(([, , proof]) => proof?.includes('test/'))

  test.each(answered)('%s', (_threat, answer, proof) => {
    expect(answer).toMatch(/\w/)
    expect(proof).toMatch(/`test\/[^`]+` “/)
  })

  test('and only the actors have none', () => {
    const actors = threats.filter((row) => !answered.includes(row)).map(([name]) => name)
    expect(actors).toEqual([
      'author',
      'editor',
      'viewer',
      'neighbour',
      'repository, hub, bucket, registry',
      'program',
      'person',
    ])
  })
})
