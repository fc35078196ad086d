import { describe, expect, test } from 'vitest'
import { basicOf, mergedConfig, readersOf } from '../../../tools/credentials.ts'

const config = (auths: Readonly<Record<string, string>>) => ({
  auths: Object.fromEntries(Object.entries(auths).map(([name, auth]) => [name, { auth }])),
})

test('credentials are found as Docker writes them', () => {
  const written = config({ 'ghcr.io': 'g', 'https://index.docker.io/v1/': 'd' })
  expect(basicOf(written, 'ghcr.io')).toBe('g')
  expect(basicOf(written, 'registry-1.docker.io')).toBe('d')
  expect(basicOf(written, 'quay.io')).toBeUndefined()
  expect(basicOf({ auths: { 'a.io': { username: 'u', password: 'p' } } }, 'a.io')).toBe('dTpw')
})

describe('a repository is read with', () => {
  const push = config({ 'ghcr.io': 'push' })
  test.each<{ when: string; pull: Record<string, string>; at?: string; readers: string[] }>([
    { when: 'the push credentials if there are no others', pull: {}, readers: ['push'] },
    { when: 'the pull credentials first', pull: { 'ghcr.io': 'pull' }, readers: ['pull', 'push'] },
    {
      when: 'the most specific ones first, as the kubelet does',
      pull: { 'ghcr.io': 'all', 'https://ghcr.io/acme': 'acme', 'ghcr.io/acme/x': 'x' },
      readers: ['acme', 'all', 'push'],
    },
    { when: 'those of a pattern', pull: { '*.io': 'any', '*': 'none' }, readers: ['any', 'push'] },
    { when: 'none of another host', pull: { 'ghcr.io': 'g' }, at: 'ghcr.io.evil', readers: [] },
    { when: 'none of a longer host', pull: { 'hcr.io': 'g' }, readers: ['push'] },
  ])('$when', ({ pull, at = 'ghcr.io', readers }) => {
    expect(readersOf({ push, pull: [config(pull)] }, at, 'acme/train')).toEqual(readers)
  })
})

test('BuildKit has the push credentials, and the others for hosts that are only read', () => {
  const push = { ...config({ 'https://ghcr.io': 'push' }), credHelpers: { 'a.io': 'ecr-login' } }
  const pull = [
    config({ 'ghcr.io/acme': 'pull', 'quay.io/a': 'part', 'docker.io': 'hub', '*.b.io': 'any' }),
    config({ 'quay.io': 'all' }),
  ]
  expect(mergedConfig({ push, pull })).toEqual({
    ...config({
      'quay.io': 'all',
      'https://index.docker.io/v1/': 'hub',
      'https://ghcr.io': 'push',
    }),
    credHelpers: { 'a.io': 'ecr-login' },
  })
})
