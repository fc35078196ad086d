import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { findActionlint } from '../../platform/binaries/find.ts'

// The first time it is downloaded, or built with Go.
test('actionlint finds nothing in .github/workflows', { timeout: 300_000 }, async () => {
  const actionlint = await findActionlint({ progress: console.log })
  // Not what happens to be installed beside it: the same answer on each machine.
  const args = ['-shellcheck=', '-pyflakes=', '-oneline', '-no-color']
  expect(execFileSync(actionlint, args, { encoding: 'utf8' })).toBe('')
})
