import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { findActionlint } from '../../platform/binaries/find.ts'

// On the first run actionlint is downloaded, or built with Go.
test('actionlint finds nothing in .github/workflows', { timeout: 300_000 }, async () => {
  const actionlint = await findActionlint({ progress: console.log })
  // Without shellcheck and pyflakes, which are not installed everywhere.
  const args = ['-shellcheck=', '-pyflakes=', '-oneline', '-no-color']
  expect(execFileSync(actionlint, args, { encoding: 'utf8' })).toBe('')
})
