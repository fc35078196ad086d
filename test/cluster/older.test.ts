import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Model } from '../../crds/model.ts'
import { customResourceDefinition } from '../../generate/definitions.ts'
import { apply, get, kubectl, namespace, ok, type Shown, until } from './cluster.ts'

/**
 * Objects that are older than the rules that they break. They are Models of another group, which has
 * our schema but no webhook or controller, so that only the API server validates.
 */

const group = 'older.example.com'
// Another plural, because otherwise `kubectl get models` would mean these.
const kind = 'OlderModel'
const models = `oldermodels.${group}`

const definition = (): Shown => {
  const crd: Shown = JSON.parse(JSON.stringify(customResourceDefinition(Model)))
  crd.metadata.name = models
  crd.spec.group = group
  crd.spec.names = { kind, listKind: `${kind}List`, plural: 'oldermodels', singular: 'oldermodel' }
  return crd
}

/** The CRD without the rules. */
const ruleless = (crd: Shown): Shown =>
  JSON.parse(JSON.stringify(crd), (key, value) =>
    key === 'x-kubernetes-validations' ? undefined : value,
  )

const object = (name: string, spec: object) =>
  JSON.stringify({ apiVersion: `${group}/v1`, kind, metadata: { name }, spec })

const image = 'example.com/train:1'
const olds = [
  { breaks: 'its name', name: 'falcon-7b.v1', spec: { image } },
  { breaks: 'a rule of the whole spec', name: 'both', spec: { image, source: 'hf://a/b' } },
  { breaks: 'a rule on another field', name: 'self', spec: { image, model: { name: 'self' } } },
]

let ns = ''

beforeAll(async () => {
  ns = await namespace('older')
  await ok(['apply', '-f', '-'], JSON.stringify(ruleless(definition())))
  // kubectl refuses to wait while the definition has no conditions at all.
  await until(
    () => ok(['wait', '--for=condition=Established', `crd/${models}`]),
    () => true,
  )
  for (const { name, spec } of olds)
    await until(
      () => apply(ns, object(name, spec)),
      () => true,
    )
  await ok(['apply', '-f', '-'], JSON.stringify(definition()))
  // The API server applies a changed CRD after a moment.
  await until(
    () => kubectl(['-n', ns, 'apply', '--dry-run=server', '-f', '-'], object('a.b', { image })),
    ({ stderr }) => stderr.includes('at most 50 characters'),
  )
})

afterAll(() => ok(['delete', 'crd', models]))

const merge = (name: string, patch: object, more: readonly string[] = []) =>
  kubectl(['-n', ns, 'patch', models, name, '--type=merge', '-p', JSON.stringify(patch), ...more])

describe('an object that breaks a newer rule', () => {
  test.each(olds)('$breaks: status, labels and suspend can still change', async ({ name }) => {
    const status = { ready: false, image: 'example.com/built:1' }
    const answers = [
      await merge(name, { status }, ['--subresource=status']),
      await merge(name, { metadata: { labels: { team: 'a' } } }),
      await merge(name, { spec: { suspend: true } }),
    ]
    expect(answers.map(({ stderr }) => stderr)).toEqual(['', '', ''])
    const { metadata, spec, status: shown } = await get(ns, `${models}/${name}`)
    expect([metadata.labels.team, spec.suspend, shown.image]).toEqual(['a', true, status.image])
  })

  test.each([
    {
      when: 'a field that it reads makes it worse',
      name: 'both',
      spec: { command: ['x'] },
      says: 'source is loaded by an image of its own',
    },
    { when: 'the field at fault is removed', name: 'both', spec: { source: null }, says: '' },
    {
      when: 'the field at fault is corrected',
      name: 'self',
      spec: { model: { name: 'b' } },
      says: '',
    },
    {
      when: 'the fault is written again',
      name: 'self',
      spec: { model: { name: 'self' } },
      says: 'a Model cannot be its own base',
    },
  ])(
    'is judged by the rule once the fields that the rule reads change: $when',
    async ({ name, spec, says }) => {
      const { code, stderr } = await merge(name, { spec })
      expect(stderr).toContain(says)
      expect(code).toBe(says ? 1 : 0)
    },
  )
})

test('every rule applies to a new object', async () => {
  for (const { name, spec } of olds) {
    const renamed = name === 'self' ? { image, model: { name: 'fresh' } } : spec
    const given = object(name.includes('.') ? 'fresh.v1' : 'fresh', renamed)
    const { stderr } = await kubectl(['-n', ns, 'apply', '--dry-run=server', '-f', '-'], given)
    expect(stderr).toContain('is invalid')
  }
})
