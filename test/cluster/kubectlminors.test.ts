import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, test, vi } from 'vitest'
import { findOlderKubectl } from '../../platform/binaries/find.ts'
import {
  apply,
  get,
  kubectl,
  manifest,
  names,
  namespace,
  ok,
  type Shown,
  until,
  untilReady,
} from './cluster.ts'

/** How people and their scripts change objects with kubectl, in two of its minors. */

const older = await findOlderKubectl({ progress: (line) => console.log(line) })
const image = 'example.com/train:1'
const gpu = { type: 'nvidia-l4' }

afterEach(() => {
  vi.unstubAllEnvs()
})

/** An editor that replaces one text by another wherever it is; returns the file of all that it was shown. */
function editor(ns: string, from: string, to: string): string {
  const path = join(inject('cluster').dir, `${ns}-editor.sh`)
  writeFileSync(path, `#!/bin/sh\ncat "$1" >> ${path}.shown\nsed -i 's/${from}/${to}/' "$1"\n`)
  chmodSync(path, 0o755)
  vi.stubEnv('KUBE_EDITOR', path)
  return `${path}.shown`
}

describe.each([
  { minor: 'the cluster’s minor', binary: undefined },
  { minor: 'the minor before', binary: older },
])('kubectl of $minor', ({ binary }) => {
  const target = () => ({ ...inject('cluster'), ...(binary && { kubectl: binary }) })
  const run = (ns: string, args: readonly string[], input?: string) =>
    kubectl(['-n', ns, ...args], input, target())
  const done = (ns: string, args: readonly string[], input?: string) =>
    ok(['-n', ns, ...args], input, target())

  test('edit changes an object, and shows why an edit is refused', async () => {
    const ns = await namespace('edited')
    await apply(ns, manifest('Model', 'm', { image, params: { epochs: 1 }, suspend: true }))
    editor(ns, 'epochs: 1', 'epochs: 2')
    expect(await done(ns, ['edit', 'model/m'])).toContain('edited')
    expect((await get(ns, 'model/m')).spec.params.epochs).toBe(2)
    const shown = editor(ns, '  params:', '  model: {name: nobody}\\n  params:')
    const { code, stderr } = await run(ns, ['edit', 'model/m'])
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('models.substratus.ai "m" is invalid'),
    ])
    expect(readFileSync(shown, 'utf8')).toMatch(
      /^# models\.substratus\.ai "m" was not valid:\n# \* spec\.model\.name: Not found: "nobody": Model "nobody" does not exist/m,
    )
    expect((await get(ns, 'model/m')).spec).not.toHaveProperty('model')
  })

  test('patch takes a merge and a JSON patch, and the subresource of the scale', async () => {
    const ns = await namespace('patched')
    await apply(ns, manifest('Model', 'm', { image, suspend: true }))
    await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' }, suspend: true }))
    const merge = JSON.stringify({ spec: { resources: { gpu } } })
    await done(ns, ['patch', 'modelserver/s', '--type=merge', '-p', merge])
    expect((await get(ns, 'modelserver/s')).spec.resources.gpu).toEqual({ ...gpu, count: 1 })
    const change = [{ op: 'replace', path: '/spec/resources/gpu/count', value: 2 }]
    await done(ns, ['patch', 'modelserver/s', '--type=json', '-p', JSON.stringify(change)])
    const scale = JSON.stringify({ spec: { replicas: 2 } })
    const scaling = ['patch', 'modelserver/s', '--subresource=scale', '--type=merge', '-p', scale]
    await done(ns, scaling)
    const { spec } = await get(ns, 'modelserver/s')
    expect([spec.resources.gpu.count, spec.replicas]).toEqual([2, 2])
    const wrong = JSON.stringify({ spec: { comand: ['x'] } })
    const { code, stderr } = await run(ns, ['patch', 'model/m', '--type=merge', '-p', wrong])
    expect([code, stderr]).toEqual([0, expect.stringContaining('unknown field "spec.comand"')])
    expect((await get(ns, 'model/m')).spec).not.toHaveProperty('comand')
  })

  test('diff shows what would change, not our defaults, and what would be refused', async () => {
    const ns = await namespace('compared')
    const given = (spec: object) => manifest('Model', 'm', { image, suspend: true, ...spec })
    const diff = (spec: object) => run(ns, ['diff', '-f', '-'], given(spec))
    const created = await diff({ resources: { gpu } })
    expect([created.code, created.stdout]).toEqual([1, expect.stringContaining('+  image: ')])
    await apply(ns, given({ resources: { gpu } }))
    expect((await diff({ resources: { gpu } })).code).toBe(0)
    const changed = await diff({ resources: { gpu }, params: { epochs: 2 } })
    expect(changed.code).toBe(1)
    expect(changed.stdout).toMatch(/^\+ {4}epochs: 2$/m)
    expect(changed.stdout).not.toMatch(/^[-+] +count:/m)
    const refused = await diff({ resources: { gpu: { type: 'nvidia-l5' } } })
    expect(refused.code).toBeGreaterThan(1)
    expect(refused.stderr).toContain('spec.resources.gpu.type: Unsupported value: "nvidia-l5"')
  })

  test('create generates names', async () => {
    const ns = await namespace('generated')
    const given = (prefix: string, spec: object = { image }) =>
      manifest('Model', '', spec).replace('"name":""', `"generateName":"${prefix}"`)
    const create = ['create', '-f', '-', '-o', 'name']
    const first = (await done(ns, create, given('run-'))).trim()
    const second = (await done(ns, create, given('run-'))).trim()
    expect([first, second]).toEqual([1, 2].map(() => expect.stringMatching(/\/run-\w{5}$/)))
    for (const what of [first, second]) await untilReady(ns, what, 'True')
    const { stderr } = await run(ns, create, given('run-', { image, model: { name: 'nobody' } }))
    expect(stderr).toMatch(/"run-\w{5}" is invalid: spec\.model\.name: Not found: "nobody"/)
    // Five characters are added to what may have fifty.
    expect((await run(ns, create, given('n'.repeat(45)))).code).toBe(0)
    const long = await run(ns, create, given('n'.repeat(46)))
    expect([long.code, long.stderr]).toEqual([1, expect.stringContaining('at most 50 characters')])
  })

  const children = (ns: string) => names(ns, 'jobs,persistentvolumeclaims,deployments,services')
  const labels = { app: 'pruned' }
  const service = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'own', labels },
    spec: { ports: [{ port: 80 }] },
  })
  const base = manifest('Model', 'base', { image: 'example.com/base:1' }, { labels })
  const server = manifest('ModelServer', 's', { model: { name: 'base' } }, { labels })
  const trained = manifest('Model', 'm', { image, params: { epochs: 1 } }, { labels })

  test.each([
    { by: 'by label', env: {}, flags: ['-l', 'app=pruned', ...allowed()] },
    { by: 'by an ApplySet', env: { KUBECTL_APPLYSET: 'true' }, flags: ['--applyset=set'] },
  ])('apply --prune $by removes what the manifests no longer have, and no child', async (row) => {
    const ns = await namespace('pruned')
    vi.stubEnv('KUBECTL_APPLYSET', row.env.KUBECTL_APPLYSET)
    const prune = (...manifests: readonly string[]) =>
      done(ns, ['apply', '--prune', ...row.flags, '-f', '-'], manifests.join('\n---\n'))
    // In order: a ModelServer is refused before its Model exists.
    await prune(base, service)
    await prune(base, service, server, trained)
    await untilReady(ns, 'modelserver/s', 'True Serving')
    await untilReady(ns, 'model/m', 'True Done')
    const before = await children(ns)
    expect(before).toEqual(expect.arrayContaining(['Service/own', 'Service/s-server']))
    await prune(base, server, trained)
    expect(await children(ns)).toEqual(before.filter((child) => child !== 'Service/own'))
    await prune(base, server)
    const left = await until(
      () => children(ns),
      (all) => !all.some((child) => child.includes('/m-model-')),
    )
    expect(left.filter((child) => !child.includes('/s-'))).toEqual([])
    expect((await get(ns, 'models')).items.map((one: Shown) => one.metadata.name)).toEqual(['base'])
  })

  test('get, describe, explain, scale and wait know our kinds', async () => {
    const ns = await namespace('known')
    await apply(ns, base)
    await apply(ns, server)
    await done(ns, ['wait', '--for=condition=Ready', 'modelserver/s', '--timeout=60s'])
    await done(ns, ['scale', 'modelserver/s', '--replicas=2'])
    await untilReady(ns, 'modelserver/s', 'True Serving: 2 of 2')
    expect(await done(ns, ['get', 'ai'])).toMatch(/^modelserver\S+\/s +True +Serving /m)
    expect(await done(ns, ['describe', 'modelserver/s'])).toMatch(/Type:\s+Serving/)
    expect(await done(ns, ['explain', 'modelserver.spec.replicas'])).toContain('How many Pods')
  })
})

/** Kubernetes' own kinds would be pruned by default, and ours not. */
function allowed(): readonly string[] {
  const kinds = ['substratus.ai/v1/Model', 'substratus.ai/v1/ModelServer', 'core/v1/Service']
  const children = ['batch/v1/Job', 'apps/v1/Deployment', 'core/v1/PersistentVolumeClaim']
  return [...kinds, ...children].map((kind) => `--prune-allowlist=${kind}`)
}
