import { describe, expect, test } from 'vitest'
import { buildctlArgs } from '../../../platform/images/buildkit.ts'
import { buildxArgs } from '../../../platform/images/buildx.ts'
import { nameOf, targets } from '../../../platform/images/targets.ts'

const build = {
  context: '/context',
  target: 'loader',
  image: 'registry.example.com/tools/substratus-loader:1',
  args: { VERSION: '1', REVISION: 'abc' },
  platforms: ['linux/amd64', 'linux/arm64'],
} as const

test('the image of the server has the name of the project, and the others its prefix', () => {
  expect(targets.map(nameOf)).toEqual(['substratus', 'substratus-loader', 'substratus-builder'])
})

describe('one image for two platforms', () => {
  test('by BuildKit', () => {
    expect(buildctlArgs(build)).toEqual([
      'build',
      '--progress=plain',
      '--frontend=dockerfile.v0',
      '--local=context=/context',
      '--local=dockerfile=/context',
      '--opt=target=loader',
      '--opt=platform=linux/amd64,linux/arm64',
      '--opt=build-arg:VERSION=1',
      '--opt=build-arg:REVISION=abc',
      '--output=type=image,name=registry.example.com/tools/substratus-loader:1,push=true,oci-mediatypes=true',
    ])
  })

  test('by docker buildx', () => {
    expect(buildxArgs(build)).toEqual([
      'buildx',
      'build',
      '--builder=substratus',
      '--target=loader',
      '--platform=linux/amd64,linux/arm64',
      '--build-arg=VERSION=1',
      '--build-arg=REVISION=abc',
      '--output=type=image,name=registry.example.com/tools/substratus-loader:1,push=true',
      '/context',
    ])
  })

  test('without an image, nothing is exported', () => {
    const { image: _, ...probe } = build
    expect(buildctlArgs(probe).join(' ')).not.toContain('--output')
    expect(buildxArgs(probe).at(-2)).toBe('--output=type=cacheonly')
  })

  test('without platforms, for that of the machine; plain HTTP only if asked for', () => {
    const { platforms: _, ...here } = build
    expect(buildctlArgs(here).join(' ')).not.toContain('platform')
    const args = buildxArgs({ ...here, insecure: true })
    expect(args.join(' ')).not.toContain('platform')
    expect(args.at(-2)).toMatch(/,push=true,registry\.insecure=true$/)
  })
})
