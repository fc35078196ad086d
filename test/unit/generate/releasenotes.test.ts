import { describe, expect, test } from 'vitest'
import { notesOf } from '../../../generate/releasenotes.ts'

const changelog = `# Changelog

## [Unreleased]

### Added

- Something that is not released.

## [0.2.0] - 2026-09-01

### Fixed

- A thing, see [the docs](docs/a.md).

## [0.1.0] - 2026-08-01

- The first.

[0.1.0]: https://example.com/compare
`

describe('the notes of a release', () => {
  test('are the chapter of its version, without the heading', () => {
    expect(notesOf(changelog, 'v0.2.0', '0.2.0')).toBe(
      '### Fixed\n\n- A thing, see [the docs](docs/a.md).',
    )
  })

  test('end before the links at the end of the page', () => {
    expect(notesOf(changelog, 'v0.1.0', '0.1.0')).toBe('- The first.')
  })

  test.each([
    {
      when: 'the tag is of another version',
      tag: 'v0.1.0',
      version: '0.2.0',
      says: 'tag v0.2.0',
    },
    {
      when: 'the version is still unreleased',
      tag: 'v0.3.0',
      version: '0.3.0',
      says: 'no chapter "## [0.3.0]',
    },
    {
      when: 'only a version that looks like it has a chapter',
      tag: 'v0x1.0',
      version: '0x1.0',
      says: 'no chapter "## [0x1.0]',
    },
  ])('are refused when $when', ({ tag, version, says }) => {
    expect(String(notesOf(changelog, tag, version))).toContain(says)
  })
})
