import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** biome.json says what each room may import. No room may be left out, and Biome must find what is wrong. */

const root = join(import.meta.dirname, '../..')

interface Override {
  readonly includes: readonly string[]
  readonly linter: {
    readonly rules: {
      readonly style: {
        readonly noRestrictedImports?: {
          readonly options: { readonly patterns: readonly { readonly message: string }[] }
        }
      }
    }
  }
}
const { vcs: _, ...configuration } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')) as {
  readonly vcs: object
  readonly overrides: readonly Override[]
}

/** The top-level folders with TypeScript. */
const rooms = [
  ...new Set(
    execFileSync('git', ['ls-files', '*/*.ts'], { cwd: root, encoding: 'utf8' })
      .split('\n')
      .flatMap((file) => file.split('/').slice(0, -1).slice(0, 1)),
  ),
]

/** What a room's rule says when it is broken; undefined where there is no rule. */
const messageOf = (room: string): string | undefined =>
  configuration.overrides.find(({ includes }) => includes.join() === `${room}/**`)?.linter.rules
    .style.noRestrictedImports?.options.patterns[0]?.message

/** The rooms that this message names. */
const mayImport = (room: string): readonly string[] =>
  (/^\w+\/ imports (.*) alone\.$/.exec(messageOf(room) ?? '')?.[1] ?? '')
    .split(/, | and /)
    .filter((name) => name)

/** Each room imports every other one: from a file of its own, and from one in a folder of it. */
const planted = rooms.flatMap((room) =>
  [`${room}/planted.ts`, `${room}/folder/planted.ts`].map((file) => ({
    room,
    file,
    imports: rooms
      .filter((other) => other !== room)
      .map((other) => ({ other, from: relative(dirname(file), `${other}/folder/some.ts`) })),
  })),
)
const packages = ['express', '@kubernetes/client-node', 'pino', 'commander', 'node:fs']
const impure = [
  'crds',
  'crds/schema',
  'hooks',
  'view',
  'webhooks',
  'gateway/core',
  'page/core',
].map((folder) => ({
  file: `${folder}/impure.ts`,
  lines: [...packages, 'node:crypto', 'ajv'],
}))
const schema = { file: 'crds/schema/planted.ts', lines: ['../kind.ts', './builders.ts'] }

let folder: string
/** The lines that Biome finds wrong, by file; from one run over all. */
const wrong = new Map<string, number[]>()

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-rooms-'))
  writeFileSync(join(folder, 'biome.json'), JSON.stringify(configuration))
  const files = [
    ...planted.map(({ file, imports }) => ({ file, lines: imports.map(({ from }) => from) })),
    ...impure,
    schema,
  ]
  for (const { file, lines } of files) {
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    writeFileSync(join(folder, file), lines.map((from) => `import '${from}'\n`).join(''))
  }
  const biome = join(root, 'node_modules', '.bin', 'biome')
  const only = ['--only=style/noRestrictedImports', '--max-diagnostics=none']
  const { stdout } = spawnSync(biome, ['lint', ...only, '--reporter=json', '.'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const { diagnostics } = JSON.parse(stdout) as {
    readonly diagnostics: readonly {
      readonly location: { readonly path: string; readonly start: { readonly line: number } }
    }[]
  }
  for (const { location } of diagnostics)
    wrong.set(location.path, [...(wrong.get(location.path) ?? []), location.start.line])
})
afterAll(() => rmSync(folder, { recursive: true }))

test.each(rooms)('%s/ has a rule in biome.json for what it imports', (room) => {
  expect(messageOf(room)).toMatch(
    new RegExp(`^${room}/ imports (no other room|[a-z]+(, [a-z]+)*( and [a-z]+)? alone)\\.$`),
  )
})

test.each(planted)(
  '$file may import just the rooms that its rule names',
  ({ room, file, imports }) => {
    const found = imports.filter((_, index) => wrong.get(file)?.includes(index + 1))
    const allowed = imports.filter((one) => !found.includes(one)).map(({ other }) => other)
    expect(allowed.sort()).toEqual([...mayImport(room)].sort())
  },
)

/** All that a room may import, directly or through others. */
function reachedFrom(room: string): ReadonlySet<string> {
  const reached = new Set(mayImport(room))
  // A Set is iterated over what is added meanwhile, too.
  for (const one of reached) for (const next of mayImport(one)) reached.add(next)
  return reached
}

test('no two rooms may import each other, directly or through others', () => {
  expect(rooms.filter((room) => reachedFrom(room).has(room))).toEqual([])
})

describe('what is pure', () => {
  test.each(impure)('$file may import no package that reaches out', ({ file }) => {
    expect(wrong.get(file)?.sort()).toEqual(packages.map((_, index) => index + 1))
  })

  test('crds/schema/ knows no kind', () => {
    expect(wrong.get(schema.file)).toEqual([1])
  })
})
