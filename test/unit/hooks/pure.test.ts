import { describe, expect, test } from 'vitest'
import { readManifests } from '../../../cli/manifests.ts'
import { simulate } from '../../../cli/simulate.ts'
import type { Parent } from '../../../crds/kind.ts'
import { hooks } from '../../../hooks/hooks.ts'
import type { Child } from '../../objects.ts'
import {
  aConfig,
  aDataset,
  aModel,
  aModelServer,
  aNotebook,
  complete,
  requestFor,
  throughJson,
} from '../../objects.ts'

const long = 'a'.repeat(253)
const build = { git: { url: 'https://example.com/repo' } }
const env = { TOKEN: '${{ secrets.hub.token }}', EMPTY: '' }

const parents: readonly Parent[] = [
  aModel({ build, dataset: { name: 'squad' }, env, params: {} }, { name: 'fine' }),
  aModel({ source: 'hf://org/falcon', env }, { name: long }),
  aModelServer({ model: { name: 'falcon' }, env, resources: { gpu: { count: 2 } } }),
  aModelServer({ model: { name: 'falcon' }, build }, { name: long }),
  aModelServer(
    { model: { name: 'falcon' }, image: 'example.com/serve:1', idleTimeout: '1h' },
    { name: 'sleeper' },
  ),
  aDataset({ source: 's3://bucket/path', env }, { name: long }),
  aDataset({ build, params: { n: 1 } }, { name: 'built' }),
  aNotebook({ model: { name: 'falcon' }, dataset: { name: 'squad' }, idleTimeout: '1h', env }),
  aNotebook({ build }, { name: long }),
]
const referred = [
  complete(aModel({ source: 'hf://org/falcon' }), { url: 'pvc://falcon-model-artifacts/run/1' }),
  complete(aDataset({ source: 's3://bucket' }), { url: 'pvc://squad-dataset-artifacts/load/1' }),
]

const nameOf = ({ kind, metadata }: Parent): string =>
  metadata.name === long ? `a ${kind} of the maxRounds name` : `${kind} "${metadata.name}"`

const frozen = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null)
    Object.values(Object.freeze(value)).forEach(frozen)
  return value
}

describe('a hook', () => {
  const rows = parents.map((parent) => ({ parent, what: nameOf(parent) }))
  test.each(rows)(
    'of $what gives the same bytes for the same request, and does not change it',
    ({ parent }) => {
      const hook = hooks.find(({ kind }) => kind.kind === parent.kind)
      const config = frozen(aConfig())
      const request = frozen(throughJson(requestFor(parent, ...referred)))
      const first = JSON.stringify(hook?.sync(request, config))
      expect(JSON.stringify(hook?.sync(throughJson(request), aConfig()))).toBe(first)
      expect(first).toContain('"conditions"')
    },
  )
})

const examples = readManifests('examples').manifests.map(({ object }) => object)

/** Every child that the parents and the examples ever have. */
const children: readonly Child[] = [
  ...simulate([...parents, ...referred], aConfig(), false),
  ...simulate(examples, aConfig(), false),
].flatMap((life) => life.children)

const walked = (value: unknown, path = ''): readonly (readonly [string, unknown])[] => [
  [path, value],
  ...(typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, item]) => walked(item, `${path}.${key}`))
    : []),
]

const podSpecOf = (child: Child) => child.spec?.template?.spec

describe('every child', () => {
  test('there are many', () => {
    expect(children.length).toBeGreaterThan(40)
  })

  test('has nothing that the API server drops, or it would be written again for ever', () => {
    const empty = children.flatMap((child) =>
      walked(child)
        .filter(
          ([path, value]) =>
            value === '' ||
            value === null ||
            (typeof value === 'object' &&
              !Object.keys(value as object).length &&
              !/\.(emptyDir|securityContext)$/.test(path)),
        )
        .map(([path]) => `${child.kind} ${child.metadata.name}${path}`),
    )
    expect(empty).toEqual([])
  })

  test('is neither a Secret nor a ConfigMap', () => {
    expect([...new Set(children.map(({ kind }) => kind))].sort()).toEqual([
      'Deployment',
      'Job',
      'NetworkPolicy',
      'PersistentVolumeClaim',
      'Service',
      'StatefulSet',
    ])
  })

  test('has a name and label values of at most 63 characters', () => {
    for (const { metadata, spec } of children) {
      expect(metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
      for (const value of Object.values({
        ...metadata.labels,
        ...spec?.template?.metadata?.labels,
      }))
        expect(value).toMatch(/^[-A-Za-z0-9_.]{0,63}$/)
    }
  })

  test('runs Pods without a token for the API server', () => {
    for (const child of children.filter(podSpecOf))
      expect(podSpecOf(child).automountServiceAccountToken).toBe(false)
  })

  test('passes secrets only by reference', () => {
    expect(JSON.stringify(children)).not.toContain('${{')
  })
})
