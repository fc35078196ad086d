import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** Every package that is installed with this project has a known name, reason, version and licence. */

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}
const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Manifest
const direct = Object.entries({ ...dependencies, ...devDependencies })

interface Locked {
  readonly version: string
  readonly license?: string
  readonly dev?: true
}
const { packages } = JSON.parse(read('package-lock.json')) as {
  readonly packages: Readonly<Record<string, Locked>>
}
const shipped = Object.entries(packages).filter(([path, { dev }]) => path && !dev)

const [, chapter = ''] = /^## Dependencies$(.*?)^## /ms.exec(read('CONTRIBUTING.md')) ?? []
const rows = [...chapter.matchAll(/^\| `(.+)` \| (.+) \| (.+) \|$/gm)].map(
  ([, name = '', reason = '', licence = '']) => ({ name, reason, licence }),
)

test('each dependency is listed in CONTRIBUTING.md, and nothing else is', () => {
  expect(rows.map(({ name }) => name)).toEqual(direct.map(([name]) => name))
})

test.each(rows)(
  '$name has a reason, and the licence that is installed',
  ({ name, reason, licence }) => {
    expect(reason).toMatch(/\w/)
    expect(JSON.parse(read(`node_modules/${name}/package.json`)).license).toBe(licence)
  },
)

test.each(direct)('%s is pinned to one version', (name, version) => {
  expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  expect(packages[`node_modules/${name}`]?.version).toBe(version)
})

/** Each allows us to distribute the server's image with the licence texts that npm installs. */
const allowed = ['MIT', '0BSD', 'ISC', 'Apache-2.0', 'BSD-3-Clause', 'PSF-2.0', 'Unlicense']

test('all that is shipped has a licence of a short list', () => {
  expect(shipped.length).toBeGreaterThan(Object.keys(dependencies).length)
  expect(
    shipped
      .filter(([, { license }]) => !allowed.includes(license ?? ''))
      .map(([path, { license }]) => `${path}: ${license ?? 'no licence'}`),
  ).toEqual([])
})

test('what is in package-lock.json about licences is what is installed', () => {
  const other = shipped
    .map(([path, { license }]) => ({
      path,
      locked: license,
      installed: JSON.parse(read(`${path}/package.json`)).license,
    }))
    .filter(({ locked, installed }) => locked !== installed)
  expect(other).toEqual([])
})
