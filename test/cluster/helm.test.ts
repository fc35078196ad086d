import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { configOf } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { kindNamed } from '../../crds/kinds.ts'
import { check } from '../../webhooks/check.ts'
import {
  bringDefinitions,
  chart,
  documentsIn,
  done,
  home,
  imagesAt,
  release,
  secretsOf,
  team,
} from './chart.ts'
import { get, kubectl, ok, type Shown, until } from './cluster.ts'
import { installation } from './installation.ts'

/** What Helm renders, installs and refuses. Nothing of the chart runs here. */

const bed = installation()

const presets = readdirSync(join(chart, 'presets')).sort()
const presetArgs = (preset: string) => ['--values', join(chart, 'presets', preset)]

describe('before anything is installed', () => {
  test.each([
    { how: 'nothing', args: [] as readonly string[] },
    {
      how: 'cert-manager and monitoring',
      args: [
        '--set',
        'gateway.enabled=true,tls.certManager.enabled=true,serviceMonitor.enabled=true,alerts.enabled=true,dashboard.enabled=true,kubeStateMetrics.enabled=true,modelServerMonitor.enabled=true',
      ],
    },
    { how: 'Metacontroller', args: ['--set', 'metacontroller.enabled=true', '--with-subcharts'] },
    ...presets.map((how) => ({ how, args: presetArgs(how) })),
  ])('helm lint --strict with $how', async ({ args }) => {
    const set = ['--set', imagesAt]
    const { stdout, stderr } = await bed.helm('lint', '--strict', chart, ...set, ...args)
    expect(stdout + stderr).toContain('0 chart(s) failed')
  })

  test.each(presets)('the server accepts the preset %s as its configuration', async (preset) => {
    const text = done(await bed.release('template', ...presetArgs(preset)))
    const { data } = documentsIn(text).find(({ kind }) => kind === 'ConfigMap')
    expect(configOf(parse(data['config.yaml']))).toHaveProperty('config')
  })

  test.each(presets)(
    'the first example that helm install shows fits the preset %s',
    async (preset) => {
      const shown = done(await bed.release('install', '--dry-run=client', ...presetArgs(preset)))
      const [, example = ''] = /<<EOF\n(.*?)\n *EOF\n/s.exec(shown) ?? []
      const values = parse(readFileSync(join(chart, 'presets', preset), 'utf8'), { merge: true })
      const read = configOf(values.config)
      if ('errors' in read) throw new Error(JSON.stringify(read.errors))
      const objects = documentsIn(example.replaceAll(/^ {2}/gm, '')) as readonly Parent[]
      expect(objects.map(({ kind }) => kind)).toEqual(['Model', 'ModelServer'])
      const [model, server] = objects as [Parent, Parent]
      const known = { 'Model/hello': model }
      for (const object of [model, server])
        expect(check(kindNamed(object.kind), { object, dryRun: true }, read.config, known)).toEqual(
          { errors: [], warnings: [] },
        )
    },
  )

  test('without the images it is refused, and the error says how to build them', async () => {
    const { code, stderr } = await bed.helm('install', release, chart, '-n', home)
    expect(code).not.toBe(0)
    expect(stderr).toContain('config.images.prefix is empty')
    expect(stderr).toContain('npm run images -- --push registry.example.com/tools')
  })

  test('an image for each tool does instead of a prefix', async () => {
    const own = ['image.repository', 'config.images.builder', 'config.images.loader']
    const rest = ['config.images.seal', 'config.images.idle']
    const set = [...own, ...rest].map((path) => `${path}=example.com/${path.split('.').at(-1)}`)
    const args = ['template', release, chart, '-n', home, '--set', set.join()]
    expect(done(await bed.helm(...args))).toContain('image: "example.com/repository:')
    expect((await bed.helm(...args.slice(0, -1), set.slice(1).join())).code).not.toBe(0)
  })

  test.each([
    { set: 'config.storage.driver=tape', path: '/config/storage/driver' },
    { set: 'config.gpus.profile=x', path: '/config/gpus' },
    { set: 'replicas=two', path: '/replicas' },
    { set: 'image.digest=latest', path: '/image/digest' },
    { set: 'colour=blue', path: 'colour' },
    { set: 'tls.secretName=mine', path: 'tls.ca is empty' },
    { set: 'metacontroller.url=http://plain', path: '/metacontroller/url' },
    { set: 'metacontroller.image.tag=1', path: '/metacontroller/image/tag' },
  ])('helm install --set $set is refused, and names $path', async ({ set, path }) => {
    const { code, stderr } = await bed.release('install', '--set', set)
    expect(code).not.toBe(0)
    expect(stderr).toContain(path)
  })

  test('without Metacontroller it is refused, and the error says how to install it', async () => {
    const { code, stderr } = await bed.release('install')
    expect(code).not.toBe(0)
    expect(stderr).toContain('Metacontroller is not installed in this cluster')
    expect(stderr).toContain('helm install metacontroller oci://')
    expect(stderr).toContain('--set metacontroller.enabled=true')
  })
})

describe('installed', () => {
  beforeAll(() => bringDefinitions(bed))

  test.each([
    { how: 'as it is', args: [] },
    { how: 'with the preset for DRA', args: presetArgs('dra.yaml') },
    {
      how: 'without a token and a NetworkPolicy',
      args: ['--set', 'hookToken.enabled=false,networkPolicy.enabled=false,replicas=1'],
    },
    {
      how: 'with a dashboard and more names',
      args: ['--set', 'dashboard.enabled=true,tls.names={example.com,10.0.0.1}'],
    },
  ])('the API server accepts everything that helm install creates $how', async ({ args }) => {
    const text = done(await bed.release('template', '--dry-run=server', '--skip-tests', ...args))
    done(await kubectl(['apply', '--server-side', '--dry-run=server', '-f', '-'], text, bed.target))
  })

  test('helm install --wait succeeds in a namespace that enforces restricted Pod Security', async () => {
    done(await bed.release('install', '--wait', '--timeout', '90s'))
    const { items } = await get(home, 'pods', bed.target)
    expect(items).toHaveLength(2)
    // One on each node, and the disruption budget allows one disruption.
    expect(new Set(items.map(({ spec }: Shown) => spec.nodeName)).size).toBe(2)
    const budget = await until(
      () => get(home, 'poddisruptionbudget/substratus', bed.target),
      ({ status }) => status?.disruptionsAllowed === 1,
    )
    expect(budget.status.currentHealthy).toBe(2)
    const [crd] = documentsIn(
      await ok(['get', 'crd', 'models.substratus.ai', '-o', 'yaml'], undefined, bed.target),
    )
    expect(crd.metadata.annotations['helm.sh/resource-policy']).toBe('keep')
  })

  test('a second installation in another namespace is refused, and the error names the first one’s', async () => {
    const { code, stderr } = await bed.helm(
      'install',
      'other',
      chart,
      '-n',
      team,
      '--set',
      imagesAt,
    )
    expect(code).not.toBe(0)
    expect(stderr).toContain(
      `Substratus is installed already: release "${release}" in namespace "${home}"`,
    )
  })

  test('an upgrade keeps the random token and the CA', async () => {
    const before = await secretsOf(bed)
    expect(before.map(([name]) => name)).toEqual([
      'substratus-ca',
      'substratus-hooks',
      'substratus-tls',
    ])
    done(await bed.release('upgrade', '--set', bed.outside))
    expect(await secretsOf(bed)).toEqual(before)
  })

  test('after its Secret is deleted, the same CA issues a certificate for more names', async () => {
    const { data } = await get(home, 'secret/substratus-ca', bed.target)
    await ok(['-n', home, 'delete', 'secret', 'substratus-tls'], undefined, bed.target)
    done(await bed.release('upgrade', '--reuse-values'))
    const made = (await get(home, 'secret/substratus-tls', bed.target)).data
    const certificate = new X509Certificate(Buffer.from(made['tls.crt'], 'base64'))
    expect(certificate.checkIP(bed.address)).toBe(bed.address)
    expect(certificate.checkHost(`substratus.${home}.svc`)).toBe(`substratus.${home}.svc`)
    expect(made['ca.crt']).toBe(data['tls.crt'])
  })
})
