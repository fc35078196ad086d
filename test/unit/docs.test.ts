import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { defaultConfig } from '../../crds/config.ts'
import { apiVersion, group, type Parent } from '../../crds/kind.ts'
import { kindNamed } from '../../crds/kinds.ts'
import { ownRules } from '../../crds/rules.ts'
import { sentence } from '../../crds/schema/validator.ts'
import { explainedRules } from '../../generate/apidocs.ts'
import { check } from '../../webhooks/check.ts'

/** What the pages name exists, and the objects that they show are valid. */

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'helm/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path}`)
    .sort(),
].map((path) => ({ path, text: read(path) }))

const fences = /^( *)```(\w*)\n(.*?)^ *```$/gms
const prose = (text: string): string => text.replaceAll(fences, '')

/** The anchors of the headings, as GitHub makes them. */
const anchors = (text: string): readonly string[] =>
  [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

const linesOf = (text: string): number => text.trimEnd().split('\n').length

test('README.md has at most 120 lines, and docs/ at most 25 pages', () => {
  expect(linesOf(read('README.md'))).toBeLessThanOrEqual(120)
  expect(pages.filter(({ path }) => path.startsWith('docs/')).length).toBeLessThanOrEqual(25)
})

test('docs/README.md links to every page', () => {
  const missing = pages
    .map(({ path }) => path)
    .filter((path) => path.startsWith('docs/') && path !== 'docs/README.md')
    .filter((path) => !read('docs/README.md').includes(`](${path.slice('docs/'.length)})`))
  expect(missing).toEqual([])
})

describe('every relative link leads to a file, and to a heading of it', () => {
  test.each(pages)('$path', ({ path, text }) => {
    const broken = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [file = '', anchor] = link.split('#')
        const target = file ? join(dirname(path), file) : path
        if (!existsSync(join(root, target))) return true
        return anchor !== undefined && !anchors(read(target)).includes(anchor)
      })
    expect(broken).toEqual([])
  })
})

test('each picture of the page and of Prometheus is in the docs, and drawn by the tests', () => {
  const sorted = (names: readonly string[]) => [...new Set(names)].sort()
  const found = readdirSync(join(root, 'docs')).filter((name) =>
    /^(page|operate)-.*\.png$/.test(name),
  )
  const shown = pages.flatMap(({ text }) =>
    [...text.matchAll(/\]\((?:docs\/)?((?:page|operate)-[\w-]+\.png)\)/g)].map(
      ([, name = '']) => name,
    ),
  )
  const drawn = ['pagescreen', 'dashboard'].flatMap((file) =>
    [...read(`test/cluster/${file}.test.ts`).matchAll(/picture(?: =|:) '([^']+)'/g)].map(
      ([, name = '']) => name,
    ),
  )
  expect(found.length).toBeGreaterThan(2)
  expect(sorted(shown)).toEqual(sorted(found))
  expect(sorted(drawn)).toEqual(sorted(found))
})

const rooms = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['node_modules', '.git'].includes(entry.name))
  .map(({ name }) => name)

test('every file in the picture of docs/architecture.md exists', () => {
  const named = read('docs/architecture.dot').matchAll(/(?<![/\w])[\w-]+\/[\w./-]*/g)
  const missing = [...named]
    .map(([path]) => path)
    .filter(isPath)
    .filter((path) => !existsSync(join(root, path)))
  expect(missing).toEqual([])
})

/** `hooks/model.ts` and `helm/presets/`, but not `crds/KIND.ts`, `build/image` or `log/`. */
const isPath = (word: string): boolean =>
  rooms.some((room) => word.startsWith(`${room}/`)) && !/[A-Z]{3}|[*…<]/.test(word)

describe('every path of the repository that is named exists', () => {
  test.each(pages)('$path', ({ path, text }) => {
    const named = [
      ...prose(text).matchAll(/`([^`\s]+)`/g),
      ...text.matchAll(/\s(\S+\/\S+\.yaml)\s/g),
    ]
    const missing = named
      .map(([, word = '']) => word)
      .filter(isPath)
      .filter((word) => !existsSync(join(root, word)))
    expect(missing, path).toEqual([])
  })
})

describe('every npm script that is named is in package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: object }

  test.each(pages)('$path', ({ text }) => {
    const named = [...text.matchAll(/npm run (?:--silent )?([a-z:]+)/g)].map(
      ([, name = '']) => name,
    )
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  })

  test('README.md names the test commands of .ci/run', () => {
    const tiers = [...read('.ci/run').matchAll(/^ *tests ([a-z:]+)/gm)].map(([, name]) => name)
    expect(tiers).toContain('test')
    for (const tier of tiers) expect(read('README.md')).toMatch(new RegExp(`npm (run )?${tier}\``))
  })
})

const objects = pages.flatMap(({ path, text }) =>
  [...text.matchAll(fences)]
    .filter(([, , language]) => language === 'yaml')
    .flatMap(([, indent = '', , body = '']) =>
      parseAllDocuments(body.replaceAll(new RegExp(`^${indent}`, 'gm'), '')).map((document) => {
        expect(document.errors, path).toEqual([])
        return { path, object: document.toJS() as Parent }
      }),
    )
    .filter(({ object }) => object?.apiVersion?.startsWith(`${group}/`))
    .map(({ object }, index) => ({
      path,
      number: index + 1,
      kind: object.kind,
      name: object.metadata.name,
      object,
    })),
)

/** With a registry, as a page about building expects it. */
const config = { ...defaultConfig, registry: { prefix: 'registry.example.com/substratus' } }

/** What the schema and the configuration have against it; references are not looked up. */
const errorsOf = (object: Parent): readonly string[] =>
  check(kindNamed(object.kind), { object, dryRun: true }, config, {})
    .errors.filter(({ message }) => !message.startsWith('Not found'))
    .map(sentence)

describe('objects in the pages', () => {
  test.each(objects)('$path, object $number: $kind "$name" is valid', ({ object }) => {
    expect(object.apiVersion).toBe(apiVersion)
    expect(errorsOf(object)).toEqual([])
  })

  test('the refusal in README.md is what admission says', () => {
    const object = {
      apiVersion,
      kind: 'Model',
      metadata: { name: 'llama' },
      spec: {
        build: { git: { url: 'git@github.com:acme/llama.git' } },
        resources: { memory: '10' },
      },
    } as const satisfies Parent
    const shown = [...read('README.md').matchAll(/^\* (.+)$/gm)].map(([, line]) => line)
    // kubectl adds the value to what the rule says.
    const bare = shown.map((line = '') => line.replace(/Invalid value: "[^"]*": /, ''))
    expect(bare.sort()).toEqual(
      [...errorsOf(object)].map((line) => line.replace('Invalid value: ', '')).sort(),
    )
  })
})

test('docs/api.md has the rules of every field that the configuration decides', () => {
  const explained = explainedRules.map(({ field }) => field)
  expect(ownRules.map(({ field }) => field).filter((field) => !explained.includes(field))).toEqual(
    [],
  )
})
