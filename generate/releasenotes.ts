import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * `npm run notes -- vX.Y.Z` prints the chapter of a version in CHANGELOG.md as release notes. A tag that
 * differs from the version in package.json, or that has no chapter yet, is an error.
 */

const heading = (version: string): RegExp =>
  new RegExp(
    `^## \\[${version.replaceAll('.', '\\.')}\\] - \\d{4}-\\d\\d-\\d\\d\\n(.*?)(?=^## |^\\[|$(?![^]))`,
    'ms',
  )

export function notesOf(changelog: string, tag: string, version: string): string | Error {
  if (tag !== `v${version}`)
    return new Error(`the tag is "${tag}", and package.json says ${version}: tag v${version}`)
  const notes = heading(version).exec(changelog)?.[1]?.trim()
  if (notes) return notes
  return new Error(
    `CHANGELOG.md has no chapter "## [${version}] - YYYY-MM-DD": give "Unreleased" the version and a date`,
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
  const { version } = JSON.parse(read('package.json')) as { version: string }
  const notes = notesOf(read('CHANGELOG.md'), process.argv[2] ?? '', version)
  if (notes instanceof Error) {
    console.error(`error: ${notes.message}`)
    process.exitCode = 1
  } else console.log(notes)
}
