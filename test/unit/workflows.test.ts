import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { defaultConfig } from '../../crds/config.ts'
import { nameOf, targets } from '../../platform/images/targets.ts'

/** The workflows at GitHub, and the container for development, do what the project needs. */

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

const workflows = readdirSync(join(root, '.github/workflows')).map((name) => ({
  name,
  text: read(`.github/workflows/${name}`),
}))

const release = parse(read('.github/workflows/release.yml'))

describe.each(workflows)('$name', ({ text }) => {
  test('uses actions by their commit, with the version beside it', () => {
    const uses = [...text.matchAll(/uses: (.+)$/gm)].map(([, what = '']) => what)
    expect(uses.length).toBeGreaterThan(0)
    for (const what of uses) expect(what).toMatch(/^(\.\/\S+|\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/)
  })

  test('grants nothing to write but to a job that says so', () => {
    const { permissions } = parse(text)
    expect(Object.values(permissions).filter((right) => right !== 'read')).toEqual([])
  })

  test('puts no expression into a script', () => {
    const { jobs } = parse(text) as { jobs: Record<string, { steps?: { run?: string }[] }> }
    const scripts = Object.values(jobs).flatMap(({ steps = [] }) =>
      steps.map(({ run = '' }) => run),
    )
    expect(scripts.filter((run) => run.includes('${{'))).toEqual([])
  })

  test('runs scripts of package.json that exist', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const named = [...text.matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(([, name]) => name)
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named))
  })
})

test('a release has the three images of ours, by the names that the configuration expects', () => {
  const { builder, loader, seal, idle, tag } = defaultConfig.images
  const expected = new Set([builder, loader, seal, idle])
  const { include } = release.jobs.images.strategy.matrix
  expect(include).toEqual(targets.map((target) => ({ target, image: nameOf(target) })))
  expect(new Set(targets.map((target) => `${nameOf(target)}:${tag}`))).toEqual(expected)
})

test('the container for development has the Debian packages that .ci/run installs', () => {
  const wanted = [...read('.ci/run').matchAll(/^need \S+ (\S+)$/gm)].map(([, name]) => name)
  const [, list = ''] =
    /--no-install-recommends(.*?)&&/s.exec(read('.devcontainer/Dockerfile')) ?? []
  expect(list.replaceAll('\\', ' ').trim().split(/\s+/)).toEqual(wanted.toSorted())
})

test('the container for development has the Node.js of package.json, and the Go of the workflow', () => {
  const { devDependencies } = JSON.parse(read('package.json'))
  const page = read('.devcontainer/Dockerfile')
  expect(page).toContain(`FROM node:${devDependencies.node.split('.')[0]}-bookworm`)
  const [, go] = /FROM (golang:\S+)/.exec(page) ?? []
  expect(read('.github/workflows/test.yml')).toContain(`image: ${go}\n`)
})
