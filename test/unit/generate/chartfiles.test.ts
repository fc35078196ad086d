import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { configOf, defaultConfig } from '../../../crds/config.ts'
import { kinds } from '../../../crds/kinds.ts'
import type { Schema } from '../../../crds/schema/builders.ts'
import { validator } from '../../../crds/schema/validator.ts'
import { chartFiles } from '../../../generate/chartfiles.ts'
import { values } from '../../../generate/values.ts'
import { controllers } from '../../../metacontroller/compositecontrollers.ts'
import { flags, released } from '../../../metacontroller/release.ts'
import { helm } from '../../../platform/binaries/catalog.ts'

const read = (name: string): string =>
  readFileSync(new URL(`../../../helm/${name}`, import.meta.url), 'utf8')
const plurals = kinds.map(({ plural }) => plural)

describe('values', () => {
  function* leaves(schema: Schema, path: string): Iterable<readonly [string, Schema]> {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      if (field.default !== undefined || !field.properties) yield [`${path}${name}`, field]
      else yield* leaves(field, `${path}${name}.`)
    }
  }

  test('each has a default that its own schema accepts', () => {
    const wrong = [...leaves(values, '')].flatMap(([path, schema]) =>
      schema.default === undefined
        ? [`${path} has no default`]
        : validator(schema)(schema.default).map(({ message }) => `${path}: ${message}`),
    )
    expect(wrong).toEqual([])
  })

  test('the documentation has every field of the configuration, with its default', () => {
    const docs = chartFiles().get('docs/values.md') ?? ''
    for (const row of [
      '| `config.packaging.maxSize` | integer or string | `"20Gi"` |',
      '| `config.gpus.profiles.NAME.resourceName` | string |  |',
      '| `replicas` | integer | `2` |',
    ])
      expect(docs).toContain(row)
  })

  test.each(readdirSync(new URL('../../../helm/presets', import.meta.url)))(
    'the preset %s is right',
    (preset) => {
      const given = parse(read(`presets/${preset}`), { merge: true })
      expect(validator(values)(given)).toEqual([])
      expect(configOf(given.config)).toHaveProperty('config')
    },
  )

  test.each(['gke.yaml', 'eks-karpenter.yaml', 'aks.yaml'])(
    'the preset %s fits a cloud: zonal disks, spot GPUs, one architecture',
    (preset) => {
      const { config } = parse(read(`presets/${preset}`), { merge: true })
      expect(Object.keys(config.storage.pvc)).toEqual(['artifacts', 'homes'])
      const architecture = { nodeSelector: { 'kubernetes.io/arch': 'amd64' } }
      const everyPod = ['builder', ...kinds.map(({ kind }) => kind)]
      expect(config.pods).toEqual(Object.fromEntries(everyPod.map((pod) => [pod, architecture])))

      const { profiles } = config.gpus
      const keys = (name: string) => Object.keys(profiles[name].nodeSelector)
      const onDemand = Object.keys(profiles).filter((name) => !name.endsWith('-spot'))
      for (const name of onDemand) {
        expect(JSON.stringify(profiles[name])).not.toContain('spot')
        expect(keys(`${name}-spot`)).toEqual([
          ...keys(name),
          expect.stringMatching(/spot|capacity-type|scalesetpriority/),
        ])
        expect(profiles[`${name}-spot`].tolerations).toHaveLength(
          profiles[name].tolerations.length + 1,
        )
      }
    },
  )
})

describe('a secret segment of admission’s path', () => {
  const saying = (segment: string, alsoAccepted = '') =>
    validator(values)({ admissionPath: { segment, alsoAccepted } }).length
  test.each([
    { segment: '', takes: true },
    { segment: 'a-secret-0123456', takes: true },
    { segment: 'a'.repeat(63), takes: true },
    { segment: 'a-secret-012345', takes: false },
    { segment: 'a'.repeat(64), takes: false },
    { segment: 'A-secret-0123456', takes: false },
    { segment: 'a-secret/0123456', takes: false },
    { segment: 'a-secret-012345-', takes: false },
    { segment: 'plain', takes: false },
  ])('"$segment": $takes', ({ segment, takes }) => {
    expect(saying(segment) === 0).toBe(takes)
  })
  test('the path without one may be accepted too', () => {
    expect(saying('a-secret-0123456', 'plain')).toBe(0)
  })
})

describe('permissions', () => {
  interface Rule {
    readonly apiGroups: readonly string[]
    readonly resources: readonly string[]
    readonly verbs: readonly string[]
  }
  const { clusterRole } = parse(chartFiles().get('helm/metacontroller-values.yaml') ?? '')
  const rules: readonly Rule[] = clusterRole.rules
  const may = (verb: string, apiVersion: string, resource: string) => {
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
    return rules.some(
      (rule) =>
        rule.apiGroups.includes(group ?? '') &&
        rule.resources.includes(resource) &&
        rule.verbs.includes(verb),
    )
  }

  test('of Metacontroller cover every child of the controllers, without a wildcard', () => {
    const all = controllers({ url: 'https://server', deviceClaims: true }) as {
      spec: { childResources: { apiVersion: string; resource: string }[] }
    }[]
    for (const { apiVersion, resource } of all.flatMap(({ spec }) => spec.childResources))
      for (const verb of ['get', 'list', 'watch', 'create', 'update', 'delete'])
        expect([verb, resource, may(verb, apiVersion, resource)]).toEqual([verb, resource, true])
    for (const plural of plurals) {
      expect(may('update', 'substratus.ai/v1', `${plural}/status`)).toBe(true)
      expect(may('update', 'substratus.ai/v1', plural)).toBe(false)
    }
    expect(JSON.stringify(rules)).not.toContain('*')
  })

  test('of the subchart are the same, with Secrets only if the chart requires them', () => {
    const own: readonly Rule[] = parse(read('charts/metacontroller/files/rules.yaml'))
    const secrets = { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] }
    expect([...own, secrets]).toEqual(rules)
    expect(read('charts/metacontroller/templates/account.yaml')).toContain('"files/rules.yaml"')
    expect(read('templates/rbac.yaml')).toContain(
      'if and .Values.metacontroller.enabled (or .Values.hookToken.enabled .Values.tls.certManager.enabled)',
    )
  })

  test('of users cover all kinds', () => {
    // The template lists the files of the definitions, one for each kind.
    const listed = 'resources: [{{ include "substratus.kinds" . }}]'
    expect(read('templates/rbac.yaml').split(listed)).toHaveLength(3)
    expect(
      readdirSync(new URL('../../../helm/files/crds', import.meta.url)).map((name) =>
        name.replace('.yaml', ''),
      ),
    ).toEqual([...plurals].sort())
  })
})

describe('the version', () => {
  const top = (name: string): string =>
    readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8')
  const { version } = JSON.parse(top('package.json'))

  test.each([
    { where: 'package-lock.json', found: JSON.parse(top('package-lock.json')).version },
    {
      where: 'package-lock.json, packages',
      found: JSON.parse(top('package-lock.json')).packages[''].version,
    },
    { where: 'helm/Chart.yaml', found: parse(read('Chart.yaml')).version },
    { where: 'helm/Chart.yaml, appVersion', found: parse(read('Chart.yaml')).appVersion },
    { where: 'the subchart', found: parse(read('charts/metacontroller/Chart.yaml')).version },
    { where: 'Dockerfile', found: /^ARG VERSION=(.*)$/m.exec(top('Dockerfile'))?.[1] },
    ...['builder', 'loader', 'seal', 'idle'].map((tool) => ({
      where: `the image of ${tool}`,
      found: defaultConfig.images[tool as 'builder'].split(':')[1],
    })),
  ])('of package.json is that of $where', ({ found }) => {
    expect(found).toBe(version)
  })

  test('is the only one in the instructions', () => {
    const found = top('Dockerfile').match(/(?<=registry\.example\.com\S*:)[0-9.]+/g)
    expect(new Set(found)).toEqual(new Set([version]))
  })

  test('is newer than every released chart, and each of those is in the changelog', () => {
    const released = readdirSync(new URL('../../charts', import.meta.url)).map(
      (name) => /^substratus-([0-9.]+)\.tgz$/.exec(name)?.[1] ?? name,
    )
    expect(released).not.toEqual([])
    for (const one of released) {
      expect(version.localeCompare(one, 'en', { numeric: true })).toBe(1)
      expect(top('CHANGELOG.md')).toContain(`## [${one}]`)
    }
  })
})

describe('the subchart metacontroller', () => {
  test('is off by default, and needs no download', () => {
    expect(parse(read('Chart.yaml')).dependencies).toEqual([
      {
        name: 'metacontroller',
        version: '*',
        repository: '',
        condition: 'metacontroller.enabled',
      },
    ])
    // helm upgrade --reuse-values uses the former chart's values: then only the subchart's own disable it.
    for (const enabled of [
      parse(read('values.yaml')).metacontroller.enabled,
      parse(read('charts/metacontroller/values.yaml')).enabled,
    ])
      expect(enabled).toBe(false)
  })

  test('has the definitions of metacontroller/crds.yaml, each with a label', () => {
    const definitions = (text: string) => parseAllDocuments(text).map((it) => it.toJS())
    const source = new URL('../../../metacontroller/crds.yaml', import.meta.url)
    expect(definitions(read('charts/metacontroller/crds/metacontroller.yaml'))).toEqual(
      definitions(readFileSync(source, 'utf8')).map(({ metadata, ...rest }) => ({
        ...rest,
        metadata: { ...metadata, labels: { 'app.kubernetes.io/part-of': 'substratus' } },
      })),
    )
  })

  test('installs the release and the flags that this project recommends', () => {
    const { image, args } = parse(read('charts/metacontroller/values.yaml'))
    expect(image).toMatchObject(released)
    expect(args).toEqual(flags)
    expect(parse(read('charts/metacontroller/Chart.yaml')).appVersion).toBe(released.tag)
    for (const name of ['README.md', 'templates/checks.yaml', 'metacontroller-values.yaml'])
      expect(read(name)).toContain(`--version ${released.tag.slice(1)} `)
    expect(read('templates/NOTES.txt')).toContain(flags.join(' '))
  })
})

test('the notes watch no category, because kubectl watches only one kind at a time', () => {
  expect(read('templates/NOTES.txt')).not.toMatch(/kubectl get ai .*(-w|--watch)/)
})

test('an uninstallation retains the definitions, and Helm does not interpret their braces', () => {
  for (const plural of plurals) {
    const crd = parse(chartFiles().get(`helm/files/crds/${plural}.yaml`) ?? '')
    expect(crd.metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' })
  }
  expect(read('templates/crds.yaml')).toContain('.Files.Get')
})

test.each([
  { output: 'v4.3.1', fits: true },
  { output: 'v4.3.1+g1234567', fits: true },
  { output: 'v3.18.0+g1234567', fits: true },
  { output: 'v3.12.3', fits: false },
  { output: 'what?', fits: false },
])('helm that prints "$output": $fits', ({ output, fits }) => {
  expect(helm.unfit(output) === undefined).toBe(fits)
})
