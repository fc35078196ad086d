import { describe, expect, test } from 'vitest'
import { defaultConfig } from '../../../crds/config.ts'
import type { KindName } from '../../../crds/kinds.ts'
import { validate } from '../../../webhooks/review.ts'
import { type Users, usage, usersOf } from '../../../webhooks/users.ts'
import { aModel } from '../../objects.ts'

const users = (areMore: boolean, ...found: readonly (readonly [KindName, string])[]): Users => ({
  found: found.map(([kind, name]) => ({ kind, name })),
  areMore,
})
const servers = (...names: readonly string[]) => names.map((name) => ['ModelServer', name] as const)

describe('a deletion names at most three users', () => {
  test.each<{ found: Users; says: string }>([
    { found: users(false, ...servers('a')), says: 'ModelServer "a" uses it' },
    {
      found: users(false, ...servers('a'), ['Notebook', 'b']),
      says: 'ModelServer "a" and Notebook "b" use it',
    },
    {
      found: users(false, ['Model', 'm'], ...servers('a', 'b')),
      says: 'Model "m", ModelServer "a" and ModelServer "b" use it',
    },
    {
      found: users(false, ...servers('a', 'b', 'c', 'd', 'e')),
      says: 'ModelServer "a", ModelServer "b", ModelServer "c" and 2 more use it',
    },
    {
      found: users(true, ...servers('a', 'b', 'c', 'd', 'e')),
      says: 'ModelServer "a", ModelServer "b", ModelServer "c" and 2 or more use it',
    },
  ])('$says', ({ found, says }) => {
    expect(usage(found)).toBe(says)
  })

  test('and says nothing if there is none', () => {
    expect(usage(users(false))).toBeUndefined()
  })
})

test('the kinds that can refer to a Model or Dataset are known by their references', () => {
  const paths = (kind: string) => usersOf(kind).map(({ plural, path }) => `${plural} ${path}`)
  expect(paths('Model')).toEqual([
    'models spec.model.name',
    'modelservers spec.model.name',
    'notebooks spec.model.name',
  ])
  expect(paths('Dataset')).toEqual(['models spec.dataset.name', 'notebooks spec.dataset.name'])
  expect(paths('Notebook')).toEqual([])
})

test('users are a warning before that of the claim, and the deletion is admitted', () => {
  const oldObject = aModel({ source: 'hf://a/b' })
  const request = { uid: '1', operation: 'DELETE', oldObject } as const
  const { response } = validate(
    request,
    defaultConfig,
    {},
    {
      users: users(false, ...servers('a')),
    },
  )
  expect(response).toEqual({
    uid: '1',
    allowed: true,
    warnings: ['ModelServer "a" uses it', expect.stringMatching(/^claim "/)],
  })
})
