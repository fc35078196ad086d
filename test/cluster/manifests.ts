import fc from 'fast-check'

/**
 * Manifests as people write them, right and wrong, the same in every run: first each odd field alone,
 * then fields combined at random. YAML is written by hand here, because it matters how a scalar is written.
 */
export interface Written {
  /** The name of its file. */
  readonly file: string
  readonly bytes: Buffer
}

/** Lines of a manifest; a later field of the same name replaces an earlier one. */
interface Fields {
  readonly kind: string
  readonly metadata: Readonly<Record<string, string>>
  readonly spec: Readonly<Record<string, string>>
  readonly top?: Readonly<Record<string, string>>
}

const specs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Dataset: { image: 'example.com/data:1' },
  Model: { image: 'example.com/train:1' },
  ModelServer: { model: '{name: base}' },
  Notebook: {},
}
const kinds = Object.keys(specs)

const long = (length: number, of = 'a'): string => of.repeat(length)

const names = [
  ...['falcon', '"12"', '"on"', 'a-1', '!!str 12', `"${long(50)}"`, 'falcon # comment'],
  ...['12', '012', '0o10', '1_000', '0x1F', '1e3', '.5', 'on', 'yes', 'y', '~', 'null', '""'],
  ...['2001-01-01', '1:30', 'Falcon', '-a', 'a-', 'a.b', 'a_b', 'a/b', '[a]', '{a: b}', 'ä'],
  ...[
    `"${long(51)}"`,
    `"${long(64)}"`,
    `"${long(254)}"`,
    '"a b"',
    '" a"',
    '"a\\n"',
    '>-\n    folded',
  ],
]

const qualified = [
  ...['a', 'a.b/c', 'A_b.c', 'example.com/A', '"1"', `"${long(63)}"`, `"${long(253)}/a"`],
  ...['""', 'a_', '-a', 'a/b/c', '/a', 'a/', 'A.b/c', '"a b"', `"${long(64)}"`, `"${long(254)}/a"`],
]

const labelValues = [
  ...['a', '""', 'A_b.c', '"true"', '2001-01-01', '~', `"${long(63)}"`, '1:30'],
  ...['true', 'on', '1', '1.5', 'a_', '-a', '"a b"', 'a/b', `"${long(64)}"`, '[a]', '{a: b}'],
]

const owner = (more: Readonly<Record<string, string>>): string => {
  const fields = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a', uid: 'b', ...more }
  const written = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  return `{${written.join(', ')}}`
}

const owners = [
  ...[owner({}), owner({ controller: 'true' }), owner({ apiVersion: 'v1' }), owner({ uid: 'a/b' })],
  ...[owner({ controller: '"true"' }), owner({ controller: 'yes' }), owner({ controller: '1' })],
  ...[owner({ apiVersion: '""' }), owner({ apiVersion: 'a/b/c' }), owner({ apiVersion: 'a/' })],
  ...[owner({ kind: '""' }), owner({ name: '""' }), owner({ uid: '""' }), owner({ uid: '12' })],
  ...[owner({ apiVersion: 'v1', kind: 'Event' }), owner({ other: 'a' }), owner({ name: '~' })],
  ...[
    `${owner({ controller: 'true' })}, ${owner({ controller: 'true', name: 'b' })}`,
    '~',
    '{}',
    'a',
  ],
]

/** Metadata, each beside a valid name. */
const metadata: readonly Readonly<Record<string, string>>[] = [
  ...names.map((name) => ({ name })),
  ...['falcon-', 'f', '-', 'Falcon-', 'a_', '12', `"${long(45)}"`, `"${long(46)}"`, '"a b"'].map(
    (generateName) => ({ name: '~', generateName }),
  ),
  { generateName: 'Falcon-' },
  ...qualified.map((label) => ({ labels: `{${label}: a}` })),
  ...labelValues.map((value) => ({ labels: `{a: ${value}}` })),
  ...['~', '{}', '[]', 'a', '[a]', '{on: a}', '{1: a}', '{a: b, a: c}'].map((labels) => ({
    labels,
  })),
  ...qualified.map((name) => ({ annotations: `{${name}: a}` })),
  ...['a b', '""', '~', '1', 'true', '{a: b}', `"${long(262143)}"`, `"${long(262144)}"`].map(
    (value) => ({ annotations: `{a: ${value}}` }),
  ),
  ...['a', 'a.b/c', 'orphan', 'a/b/c', '""', '12', '~', 'orphan, foregroundDeletion'].map(
    (finalizer) => ({ finalizers: `[${finalizer}]` }),
  ),
  { finalizers: 'a' },
  ...owners.map((one) => ({ ownerReferences: `[${one}]` })),
  ...['default', '""', '~', 'Default', 'a.b', 'a_b', '12', '[]'].map((namespace) => ({
    namespace,
  })),
  ...['~', '2001-01-01', '2001-01-01T00:00:00Z', '2001-01-01 00:00:00', 'now', '5', '""'].map(
    (creationTimestamp) => ({ creationTimestamp }),
  ),
  ...['~', '5', '-5', '"5"', '1.5', '1e2', '0x10'].map((generation) => ({ generation })),
  ...['a', '12', '~'].flatMap((text): Readonly<Record<string, string>>[] => [
    { uid: text },
    { selfLink: text },
  ]),
  ...['12', '"12"'].map((resourceVersion) => ({ resourceVersion })),
  { Name: 'falcon' },
  { lables: '{a: b}' },
  { clusterName: 'a' },
  { managedFields: '[]' },
  { managedFields: '{}' },
  { deletionGracePeriodSeconds: '"5"' },
]

/** Specs of a Model, or of the kind that `of` names. */
const spec: readonly (Readonly<Record<string, string>> & { readonly of?: string })[] = [
  ...['on', '012', '0o10', '1_000', '1.5', '1e3', '0x1F', '2001-01-01', '~', '[1]', '{a: 1}'].map(
    (value) => ({ params: `{a: ${value}}` }),
  ),
  ...['on', '"on"', '012', '1_000', '2001-01-01', '1:30', '~', '1.5', '.5'].map((value) => ({
    env: `{A: ${value}}`,
  })),
  ...['on', 'yes', '"yes"', 'True', 'tRUE', 'y', 'n', '0', '~'].map((suspend) => ({ suspend })),
  ...['1', '1.0', '1.5', '"1"', '012', '1e1', '0x2', '0o7', '~', '-1', '99999999999', '1_0'].map(
    (replicas) => ({ of: 'ModelServer', replicas }),
  ),
  ...['10', '"10"', '10Gi', '1e1', '010', '0o10', '16000m', '1_000', '~', '1.5', '.inf'].map(
    (memory) => ({ resources: `{memory: ${memory}}` }),
  ),
  ...['2h', '"2h"', '90', '1:30', '~', '2001-01-01'].flatMap((idleTimeout) =>
    ['Notebook', 'ModelServer'].map((of) => ({ of, idleTimeout })),
  ),
  ...['[a, b]', '[on]', '[1]', '[~]', 'a', '{}', '[]', '~'].map((args) => ({ args })),
  { Image: 'example.com/train:1' },
  { image: 'a/b:1\n  image: a/c:1' },
  { '<<': '{image: a/b:1, suspend: true}' },
  { '<<': '{unknown: true}' },
  { '<<': '[{suspend: true}, {suspend: 5}]' },
  { '<<': '[{suspend: 5}, {suspend: true}]' },
  { '<<': 'a' },
  { env: '&e {A: b}\n  params: *e' },
  { env: '*missing' },
]

const top: readonly Readonly<Record<string, string>>[] = [
  ...['substratus.ai/v1', '"substratus.ai/v1"', 'substratus.ai/v2', 'substratus.ai/V1'].map(
    (apiVersion) => ({ apiVersion }),
  ),
  ...['Model', '"Model"', 'model', 'Models', 'Server', '~', '""', '12'].map((kind) => ({ kind })),
  { apiVersion: '~' },
  { data: '{a: b}' },
  { Spec: '{}' },
  ...[
    '{}',
    '~',
    '5',
    '{ready: true}',
    '{ready: "yes"}',
    '{redy: true}',
    '{conditions: [{tipe: a}]}',
  ].map((status) => ({ status })),
  ...['~', '{}', '[]', 'a', '12'].map((spec) => ({ spec })),
  ...['~', '{}', '[]', 'a', '12'].map((metadata) => ({ metadata })),
]

/** One document with these fields; `top` replaces whole fields. */
function document({ kind, metadata, spec, top = {} }: Fields): string {
  const inner = (fields: Readonly<Record<string, string>>) =>
    Object.keys(fields).length
      ? `\n${Object.entries(fields)
          .map(([name, value]) => `  ${name}: ${value}`)
          .join('\n')}`
      : ' {}'
  const fields: Readonly<Record<string, string>> = {
    apiVersion: ' substratus.ai/v1',
    kind: ` ${kind}`,
    metadata: inner(metadata),
    spec: inner(spec),
    ...Object.fromEntries(Object.entries(top).map(([name, value]) => [name, ` ${value}`])),
  }
  return Object.entries(fields)
    .map(([name, value]) => `${name}:${value}\n`)
    .join('')
}

const named = { name: 'falcon' }
const valid = document({ kind: 'Model', metadata: named, spec: specs.Model ?? {} })
const wrong = document({ kind: 'Model', metadata: { name: 'Falcon' }, spec: specs.Model ?? {} })
const other = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n'

const indented = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line, index) => `${index ? '  ' : '- '}${line}`)
    .join('\n')
const listOf = (kind: string, ...items: readonly string[]): string =>
  `apiVersion: ${kind === 'List' ? 'v1' : 'substratus.ai/v1'}\nkind: ${kind}\nitems:\n${items.map(indented).join('\n')}\n`
const json = JSON.stringify({
  apiVersion: 'substratus.ai/v1',
  kind: 'Model',
  metadata: { name: 'falcon' },
  spec: { image: 'example.com/train:1' },
})

/** Whole files. */
const texts: readonly string[] = [
  `${valid}---\n${valid}`,
  `${valid}---\n${wrong}`,
  `---\n${valid}---\n`,
  `# comment\n---\n# comment\n---\n${valid}`,
  `${valid}--- # comment\n${wrong}`,
  `${other}---\n${valid}`,
  `${other}---\n${wrong}`,
  `${valid}---\njust text\n`,
  `${valid}---\n[a]\n`,
  `${valid}---\n~\n`,
  `%YAML 1.1\n---\n${valid}`,
  valid.replaceAll('\n', '\r\n'),
  valid.replace('  name', '\tname'),
  valid.replace('kind', ' kind'),
  `${valid}  extra: true\n`,
  listOf('List', valid, valid),
  listOf('List', valid, wrong),
  listOf('List', other, valid),
  listOf('ModelList', valid),
  listOf('ModelList', wrong),
  `${valid}---\n${listOf('List', wrong)}`,
  json,
  `${json}\n`,
  json.replace('falcon', 'Falcon'),
  `${json.slice(0, -1)},}`,
  json.replace('"falcon"', '12'),
]

const utf16 = (text: string, isBig: boolean): Buffer => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le')
  return isBig ? bytes.swap16() : bytes
}

/** Files in encodings that kubectl knows, and in one that it does not. */
const encoded: readonly Buffer[] = [
  ...[valid, wrong].flatMap((text) => [utf16(text, false), utf16(text, true)]),
  Buffer.from(`\ufeff${valid}`),
  Buffer.from(`\ufeff${wrong}`),
  utf16(valid, false).subarray(2),
  Buffer.from(valid.replace('falcon', 'f\u00e4'), 'latin1'),
]

const alone: readonly Fields[] = [
  ...metadata.map((fields, index) => {
    const kind = kinds[index % kinds.length] ?? ''
    return { kind, metadata: { ...named, ...fields }, spec: specs[kind] ?? {} }
  }),
  ...spec.map(({ of = 'Model', ...fields }) => ({
    kind: of,
    metadata: named,
    spec: { ...specs[of], ...fields },
  })),
  ...top.map((fields) => ({
    kind: 'Model',
    metadata: named,
    spec: specs.Model ?? {},
    top: fields,
  })),
]

/** Up to three odd pieces of metadata and one of the top level in one manifest. */
const combined = fc
  .record({
    kind: fc.constantFrom(...kinds),
    metadata: fc.array(fc.constantFrom(...metadata), { minLength: 1, maxLength: 3 }),
    top: fc.option(fc.constantFrom(...top), { nil: {}, freq: 4 }),
  })
  .map(
    ({ kind, metadata, top }): Fields => ({
      kind,
      metadata: Object.assign({}, named, ...metadata),
      spec: specs[kind] ?? {},
      top,
    }),
  )

export const manifests: readonly Written[] = [
  ...[...alone, ...fc.sample(combined, { seed: 18, numRuns: 60 })].map((fields) =>
    Buffer.from(document(fields)),
  ),
  ...texts.map((text) => Buffer.from(text)),
  ...encoded,
].map((bytes, index) => ({ file: `${String(index).padStart(3, '0')}.yaml`, bytes }))
