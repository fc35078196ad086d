import { test } from 'vitest'
import { replayAbout } from './histories.ts'

test('whatever happens to Datasets and Models, each success runs once, and everything settles', () => {
  replayAbout(['base', 'tuned', 'data'])
}, 3_600_000)
