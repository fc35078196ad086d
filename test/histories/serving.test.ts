import { test } from 'vitest'
import { replayAbout } from './histories.ts'

test('whatever happens to servers and notebooks and what they mount, all come to rest', () => {
  replayAbout(['base', 'server', 'notebook', 'data'])
}, 3_600_000)
