import { beforeAll, describe, expect, test } from 'vitest'
import { apply, kubectl, manifest, namespace, ok } from './cluster.ts'
import { invalid } from './invalid.ts'

let ns = ''

beforeAll(async () => {
  ns = await namespace('refused')
  await apply(ns, manifest('Model', 'base', { image: 'example.com/base:1' }))
})

const given = (name: string, kind: string, spec: unknown) =>
  kubectl(['-n', ns, 'apply', '-f', '-'], manifest(kind, name, spec))

describe('kubectl apply is refused, and the error names the field', () => {
  test.each(invalid)('$kind: $name', async ({ kind, spec, says, object: name = 'bad' }) => {
    const { code, stderr } = await given(name, kind, spec)
    expect(stderr).toContain(says)
    expect(code).toBe(1)
    expect(stderr).not.toContain('secret@')
    const { stdout } = await kubectl(['-n', ns, 'get', kind, name, '--ignore-not-found'])
    expect(stdout).toBe('')
  })
})

describe('references', () => {
  test('one that does not exist is refused', async () => {
    const { code, stderr } = await given('server', 'ModelServer', { model: { name: 'nobody' } })
    expect(stderr).toContain(
      'spec.model.name: Not found: "nobody": Model "nobody" does not exist in this namespace',
    )
    expect(code).toBe(1)
  })

  test('one in another namespace is refused', async () => {
    const other = await namespace('refused-other')
    const { stderr } = await kubectl(
      ['-n', other, 'apply', '-f', '-'],
      manifest('ModelServer', 'server', { model: { name: 'base' } }),
    )
    expect(stderr).toContain('spec.model.name: Not found: "base"')
  })

  test('a dry run with one that does not exist only warns, because whole sets are tried so', async () => {
    const { code, stderr } = await kubectl(
      ['-n', ns, 'apply', '--dry-run=server', '-f', '-'],
      manifest('ModelServer', 'server', { model: { name: 'nobody' } }),
    )
    expect(stderr).toContain('Warning: spec.model.name: Not found: "nobody"')
    expect(code).toBe(0)
  })

  test('a Model cannot be its own base', async () => {
    const { code, stderr } = await given('self', 'Model', {
      image: 'example.com/train:1',
      model: { name: 'self' },
    })
    expect(stderr).toContain('spec.model.name: Invalid value: a Model cannot be its own base')
    expect(code).toBe(1)
  })

  test('bases cannot form a cycle', async () => {
    const trained = (base: string) => ({ image: 'example.com/train:1', model: { name: base } })
    await apply(ns, manifest('Model', 'first', { image: 'example.com/train:1' }))
    await apply(ns, manifest('Model', 'second', trained('first')))
    await apply(ns, manifest('Model', 'third', trained('second')))
    const { code, stderr } = await given('first', 'Model', trained('third'))
    expect(stderr).toContain(
      'spec.model.name: Invalid value: "third": the bases lead in a circle: first → third → second → first',
    )
    expect(code).toBe(1)
  })
})

describe('a change', () => {
  test('may not shrink the disk', async () => {
    await apply(ns, manifest('Notebook', 'shrinking', { suspend: true, resources: { disk: 20 } }))
    const { stderr } = await given('shrinking', 'Notebook', {
      suspend: true,
      resources: { disk: 10 },
    })
    expect(stderr).toContain(
      'spec.resources.disk: Forbidden: may not shrink from 20Gi to 10Gi: a claim can only grow',
    )
  })

  test('that breaks several rules gets an error for each', async () => {
    const { stderr } = await given('several', 'Model', {
      image: 'example.com/train:1',
      params: { a: [1] },
      resources: { gpu: { type: 'nvidia-l5' } },
    })
    expect(stderr).toContain('spec.params')
    expect(stderr).toContain('spec.resources.gpu.type')
  })
})

test('defaults appear in kubectl get -o yaml', async () => {
  await apply(
    ns,
    manifest('ModelServer', 'filled', {
      model: { name: 'base' },
      resources: { gpu: { type: 'nvidia-l4' } },
    }),
  )
  const yaml = await ok(['-n', ns, 'get', 'modelserver', 'filled', '-o', 'yaml'])
  expect(yaml).toMatch(/gpu:\n +count: 1\n +type: nvidia-l4/)
  expect(yaml).toContain('replicas: 1')
})

test('deleting what others use warns with their names', async () => {
  await apply(ns, manifest('Dataset', 'used', { image: 'example.com/data:1' }))
  await apply(
    ns,
    manifest('Model', 'tuned', { image: 'example.com/train:1', dataset: { name: 'used' } }),
    manifest('Notebook', 'looking', { dataset: { name: 'used' }, suspend: true }),
    manifest('ModelServer', 'serving', { model: { name: 'tuned' }, replicas: 0 }),
  )
  const deleting = async (what: string) =>
    (await kubectl(['-n', ns, 'delete', what, '--dry-run=server'])).stderr
  expect(await deleting('dataset/used')).toContain(
    'Warning: Model "tuned" and Notebook "looking" use it\n',
  )
  expect(await deleting('model/tuned')).toContain('Warning: ModelServer "serving" uses it\n')
  expect(await deleting('modelserver/serving')).not.toContain('use')
})

test('deleting warns that the claim is deleted too', async () => {
  await apply(ns, manifest('Notebook', 'going', { suspend: true }))
  const { stderr } = await kubectl(['-n', ns, 'delete', 'notebook', 'going'])
  expect(stderr).toContain('Warning: claim "going-notebook-home" (20Gi) is deleted with it')
})
