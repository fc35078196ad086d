import { expect, test } from 'vitest'
import { pendingUpdates } from '../../../server/pendingupdates.ts'
import { aModelServer, aNotebook } from '../../objects.ts'

test('an answer counts until the next one is due', () => {
  let seconds = 0
  const pending = pendingUpdates(() => seconds * 1000)
  const server = (name: string) => aModelServer({}, { name })
  const counts = () => Object.fromEntries(pending.counts())

  pending.answered(server('a'), true, 60)
  pending.answered(server('b'), true, 60)
  pending.answered(aNotebook({}), true, 60)
  pending.answered(server('a'), true, 60)
  expect(counts()).toEqual({ ModelServer: 2, Notebook: 1 })

  pending.answered(server('b'), false, 60)
  expect(counts()).toEqual({ ModelServer: 1, Notebook: 1 })

  seconds = 60
  pending.answered(server('a'), true, 60)
  seconds = 75
  expect(counts()).toEqual({ ModelServer: 1 })
  // One that is asked about less often does not hide that another has expired.
  pending.answered(server('c'), true, 600)
  pending.answered(server('b'), true, 2)
  seconds = 200
  expect(counts()).toEqual({ ModelServer: 1 })
})
