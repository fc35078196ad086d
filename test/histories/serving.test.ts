import { test } from 'vitest'
import { replayAbout } from './histories.ts'

test('whatever happens to servers, notebooks and what they mount, everything settles', () => {
  replayAbout(['base', 'server', 'notebook', 'data'])
}, 3_600_000)
