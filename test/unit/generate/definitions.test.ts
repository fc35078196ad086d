import { describe, expect, test } from 'vitest'
import { kinds } from '../../../crds/kinds.ts'
import { Notebook } from '../../../crds/notebook.ts'
import type { Schema } from '../../../crds/schema/builders.ts'
import {
  customResourceDefinition,
  editorSchema,
  storedRule,
} from '../../../generate/definitions.ts'

interface Found {
  readonly path: string
  readonly schema: Schema
}

function* schemasIn(schema: Schema, path: string): Iterable<Found> {
  yield { path, schema }
  for (const [name, field] of Object.entries(schema.properties ?? {}))
    yield* schemasIn(field, `${path}.${name}`)
  if (schema.items) yield* schemasIn(schema.items, `${path}[]`)
  if (schema.additionalProperties) yield* schemasIn(schema.additionalProperties, `${path}.*`)
}

const all = kinds.flatMap((kind) => [
  ...schemasIn(kind.spec, `${kind.kind}.spec`),
  ...schemasIn(kind.status, `${kind.kind}.status`),
])

const pathsWhere = (test: (schema: Schema) => boolean) =>
  all.filter(({ schema }) => test(schema)).map(({ path }) => path)

describe('every field', () => {
  test('is structural: a type or int-or-string, and properties or values but not both', () => {
    expect(
      pathsWhere(
        (it) =>
          !it.type &&
          !it['x-kubernetes-int-or-string'] &&
          !it['x-kubernetes-preserve-unknown-fields'],
      ),
    ).toEqual([])
    expect(pathsWhere((it) => Boolean(it.properties && it.additionalProperties))).toEqual([])
    expect(pathsWhere((it) => it.type === 'array' && !it.items)).toEqual([])
  })

  test('has a description of a whole sentence, for kubectl explain', () => {
    expect(pathsWhere(({ description }) => !/^[A-Z“"`].*[.…]$/s.test(description))).toEqual([])
  })

  test('has a default only if it suits every cluster', () => {
    expect(
      all.flatMap(({ path, schema }) =>
        schema.default === undefined ? [] : [[path, schema.default]],
      ),
    ).toEqual([['ModelServer.spec.replicas', 1]])
  })
})

test('of a list’s items and a map’s values the CRDs have no description, which kubectl explain would append', () => {
  const stored = kinds.flatMap((kind) => {
    const [version] = customResourceDefinition(kind).spec.versions
    const { spec, status } = version?.schema.openAPIV3Schema.properties ?? {}
    return [spec, status].flatMap((schema) => (schema ? [...schemasIn(schema, kind.kind)] : []))
  })
  const parts = stored.filter(({ path }) => /(\[\]|\.\*)$/.test(path))
  expect(parts.length).toBeGreaterThan(100)
  expect(parts.filter(({ schema }) => schema.description)).toEqual([])
})

test('a pattern with a message is a CEL rule of the CRD, because the API server would show only the pattern', () => {
  const { versions } = customResourceDefinition(Notebook).spec
  const spec: Schema | undefined = versions[0]?.schema.openAPIV3Schema.properties.spec
  const timeout = spec?.properties?.idleTimeout
  expect(timeout).not.toHaveProperty('pattern')
  expect(timeout).not.toHaveProperty('patternErrorMessage')
  expect(timeout?.['x-kubernetes-validations']?.[0]).toEqual({
    rule: "self.matches('^([0-9]+h)?([0-9]+m)?([0-9]+s)?$')",
    message: 'write hours, minutes and seconds in this order, such as "2h", "90m" or "1h30m"',
  })
  expect(JSON.stringify(editorSchema(Notebook))).toContain('patternErrorMessage')
})

describe('a rule that lists what it reads applies if that is new or changed', () => {
  test.each([
    {
      what: 'one that reads nothing but its own value is stored as it is',
      given: { rule: 'self.size() > 0', message: 'm' },
      stored: { rule: 'self.size() > 0', message: 'm' },
    },
    {
      what: 'one that reads whether fields are set compares just that',
      given: { rule: 'has(self.a) || has(self.b)', message: 'm', reads: ['a?', 'b?'] },
      stored: {
        rule: '(oldSelf.hasValue() && has(self.a) == has(oldSelf.value().a) && has(self.b) == has(oldSelf.value().b)) || (has(self.a) || has(self.b))',
        message: 'm',
        optionalOldSelf: true,
      },
    },
    {
      what: 'one that reads the name holds for new objects only',
      given: { rule: 'self.metadata.name.size() < 9', reads: ['metadata.name'] },
      stored: {
        rule: '(oldSelf.hasValue()) || (self.metadata.name.size() < 9)',
        optionalOldSelf: true,
      },
    },
    {
      what: 'one that reads a field inside another compares both, where they are set',
      given: { rule: "self.a.b != 'c'", reads: ['a.b'] },
      stored: {
        rule: "(oldSelf.hasValue() && has(self.a) && has(self.a.b) && has(oldSelf.value().a) && has(oldSelf.value().a.b) && self.a.b == oldSelf.value().a.b) || (self.a.b != 'c')",
        optionalOldSelf: true,
      },
    },
  ])('$what', ({ given, stored }) => {
    expect(storedRule(given)).toEqual(stored)
  })

  test.each(kinds)(
    '$kind: each rule of the whole object or spec lists what it reads',
    ({ rules, spec }) => {
      const whole = [...rules, ...(spec['x-kubernetes-validations'] ?? [])]
      expect(whole.filter(({ reads }) => !reads?.length)).toEqual([])
      // A rule may read only what it lists: otherwise a change of something else would not be checked.
      for (const { rule, reads = [] } of whole)
        for (const [, presence, path = ''] of rule.matchAll(
          /(has\()?self\.((?:metadata\.|spec\.)?\w+)/g,
        ))
          expect(
            reads.some(
              (read) =>
                read === path ||
                read.startsWith(`${path}.`) ||
                (presence !== undefined && read === `${path}?`),
            ),
          ).toBe(true)
    },
  )
})

describe('a CustomResourceDefinition', () => {
  const versions = kinds.map((kind) => ({ kind, crd: customResourceDefinition(kind) }))
  test.each(versions)(
    '$kind.kind is in the category ai, and shows Ready, Reason and Message',
    ({ crd }) => {
      const [version] = crd.spec.versions
      expect(crd.spec.names.categories).toEqual(['ai'])
      expect(version?.subresources).toHaveProperty('status')
      const columns = version?.additionalPrinterColumns?.map(({ name }) => name)
      for (const name of ['Ready', 'Reason', 'Message', 'Age']) expect(columns).toContain(name)
    },
  )

  test('no two kinds share a name or a short name', () => {
    const names = kinds.flatMap(({ plural, singular, shortNames }) => [
      plural,
      singular,
      ...shortNames,
    ])
    expect(names).toEqual([...new Set(names)])
  })

  test('only a ModelServer can be scaled, by the paths that HPAs read', () => {
    const scalable = versions.flatMap(({ kind, crd }) => {
      const { scale } = crd.spec.versions[0]?.subresources ?? {}
      return scale ? [[kind.kind, scale]] : []
    })
    expect(scalable).toEqual([
      [
        'ModelServer',
        {
          specReplicasPath: '.spec.replicas',
          statusReplicasPath: '.status.replicas',
          labelSelectorPath: '.status.selector',
        },
      ],
    ])
  })
})

test('the schema for editors refuses unknown fields, as kubectl does', () => {
  for (const kind of kinds)
    expect(editorSchema(kind)).toMatchObject({
      additionalProperties: false,
      properties: { spec: { additionalProperties: false } },
    })
})

test.each(kinds)('the definition of $kind fits the annotation of kubectl apply', (kind) => {
  // Of 256 KiB, which all annotations of an object share.
  expect(JSON.stringify(customResourceDefinition(kind)).length).toBeLessThan(128 * 1024)
})
