import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import { kinds } from '../../../crds/kinds.ts'
import { validatorOf, visible } from '../../../crds/objectvalidator.ts'
import { specOf } from '../../../crds/rule.ts'
import { checkRules } from '../../../crds/rules.ts'
import type { CelRule, Schema } from '../../../crds/schema/builders.ts'
import { compile } from '../../../crds/schema/cel.ts'
import { admissionRules } from '../../../webhooks/rules/admission.ts'
import { aConfig, aModel, mistyped } from '../../objects.ts'

/** A value that records which of its fields were read. */
function watched<T extends object>(value: T, seen: Set<string>, path = ''): T {
  return new Proxy(value, {
    get: (target, key) => {
      const inner = Reflect.get(target, key)
      const here = path ? `${path}.${String(key)}` : String(key)
      if (typeof key === 'string' && !(key in Object.prototype)) seen.add(here)
      return typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? watched(inner, seen, here)
        : inner
    },
  })
}

const image = 'example.com/m'
const full = {
  image,
  source: 'http://example.com/x',
  runtime: 'vllm',
  package: 'Always',
  replicas: 2,
  suspend: false,
  command: ['a'],
  args: ['b'],
  env: { A: 'b' },
  params: { a: 1, b: 'c' },
  model: { name: 'base' },
  dataset: { name: 'squad' },
  build: {
    git: { url: 'https://example.com/r', branch: 'b', tag: 't', commit: 'c', path: 'p' },
    args: { A: 'b' },
    target: 't',
    dockerfile: 'D',
  },
  resources: { cpu: 1, memory: '1Gi', disk: 1, gpu: { type: 'x', count: 1 } },
  idleTimeout: '1h',
  pod: {
    annotations: { a: 'b' },
    labels: { a: 'b' },
    nodeSelector: { a: 'b' },
    tolerations: [{ key: 'a' }],
    affinity: { nodeAffinity: {} },
    topologySpreadConstraints: [{ topologyKey: 'a' }],
    serviceAccountName: 'a',
    terminationGracePeriodSeconds: 5,
    securityContext: { runAsUser: 0 },
    volumes: [{ name: 'model', csi: { driver: 'a' } }],
    container: {
      volumeMounts: [{ name: 'a', mountPath: '/content/model' }],
      envFrom: [{ secretRef: { name: 'a' } }],
      ports: [{ containerPort: 8080 }],
      startupProbe: { exec: { command: ['a'] } },
      livenessProbe: { exec: { command: ['a'] } },
      resources: { limits: { 'nvidia.com/gpu': 1 } },
    },
  },
}

const undeclared = (seen: ReadonlySet<string>, reads: readonly string[]) =>
  [...seen].filter(
    (path) =>
      !reads.some(
        (read) => path === read || path.startsWith(`${read}.`) || read.startsWith(`${path}.`),
      ),
  )

describe('a rule reads only the fields that it declares', () => {
  test.each(admissionRules.map((rule, index) => ({ ...rule, index })))(
    'rule $index, of $field',
    ({ field, reads = [field], ...rule }) => {
      const seen = new Set<string>()
      const object = watched(aModel(full), seen)
      const input = {
        object,
        spec: specOf(object),
        config: aConfig({ registry: {} }),
        dryRun: false,
        read: () => undefined,
      }
      seen.clear()
      rule.broken(input)
      rule.message(input)
      // Our schemas cover neither.
      expect(undeclared(seen, [...reads, 'kind', 'metadata.labels'])).toEqual([])
    },
  )

  function* celOf(schema: Schema, path = ''): Iterable<[string, CelRule, string]> {
    for (const rule of schema['x-kubernetes-validations'] ?? [])
      yield [`${path}: ${rule.rule.slice(0, 100)}`, rule, path]
    for (const [name, field] of Object.entries(schema.properties ?? {}))
      yield* celOf(field, path ? `${path}.${name}` : name)
  }
  const cel = kinds.flatMap((kind) => [
    ...[...celOf(kind.spec, 'spec')].map(([what, rule, path]) => ({
      what: `${kind.kind} ${what}`,
      rule,
      path,
    })),
    ...kind.rules.map((rule) => ({
      what: `${kind.kind}: ${rule.rule.slice(0, 100)}`,
      rule,
      path: '',
    })),
  ])
  test.each(cel)('$what', ({ rule, path }) => {
    const seen = new Set<string>()
    const object = watched({ metadata: { name: 'm' }, spec: full }, seen)
    let self: unknown = object
    for (const name of path.split('.').filter(Boolean))
      self = (self as Record<string, unknown>)[name]
    seen.clear()
    if (self !== undefined) compile(rule).check(self)
    const inside = (read: string) => [path, read.replace('?', '')].filter(Boolean).join('.')
    const field = inside(rule.fieldPath?.slice(1) ?? '')
    expect(
      undeclared(
        seen,
        [...(rule.reads ?? []).map(inside), ...(field || !rule.reads ? [field] : [])].filter(
          Boolean,
        ),
      ),
    ).toEqual([])
  })
})

describe('the schema reports a value of the wrong shape, so no rule runs or throws', () => {
  const odd = [
    null,
    1,
    true,
    'x',
    [],
    [1],
    {},
    { a: 1 },
    { name: 1 },
    { git: 1 },
    { git: { url: 1 } },
    { gpu: 1 },
    { gpu: { type: {} } },
  ]
  const fields = Object.keys(full)
  test.each(kinds.map(({ kind }) => kind))('%s', (name) => {
    const kind = kinds.find((one) => one.kind === name)
    if (!kind) return
    const validate = validatorOf(kind)
    const specs = [
      ...odd,
      ...fields.flatMap((field) => odd.map((value) => ({ ...full, [field]: value }))),
    ]
    for (const spec of specs)
      for (const metadata of [{ name: 'm' }, {}, { name: 1 }, { name: '' }]) {
        const object = mistyped<Parent>({
          apiVersion: 'substratus.ai/v1',
          kind: name,
          metadata,
          spec,
        })
        const wrong = validate(visible(object))
        for (const { field, message } of [...wrong, ...checkRules(object, aConfig(), wrong)]) {
          expect(typeof field).toBe('string')
          expect(message).not.toBe('')
        }
      }
  })
})

test('a rule that throws is our bug, and does not count as passed', () => {
  const spec = {
    image,
    get runtime(): string {
      throw new Error('ours')
    },
  }
  expect(() => checkRules(mistyped<Parent>({ spec }), aConfig(), [])).toThrow('ours')
  // The rule does not run if the schema already reports the error.
  expect(
    checkRules(mistyped<Parent>({ spec }), aConfig(), [{ field: 'spec.runtime', message: '' }]),
  ).toEqual([])
})
