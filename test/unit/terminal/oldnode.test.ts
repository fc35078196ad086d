import { expect, test } from 'vitest'
import { isOldNode } from '../../../terminal/oldnode.ts'

test.each([
  { version: '20.20.2', old: true },
  { version: '22.18.0', old: true },
  { version: '22.19.0', old: false },
  { version: '24.21.0', old: false },
])('Node $version is old: $old', ({ version, old }) => {
  expect(isOldNode(version)).toBe(old)
})
