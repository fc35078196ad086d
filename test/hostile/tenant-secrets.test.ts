import { describe, expect, test } from 'vitest'
import { type Config, type ConfigFile, configSchema } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { kinds } from '../../crds/kinds.ts'
import type { Schema } from '../../crds/schema/builders.ts'
import { secretFields } from '../../crds/secrets.ts'
import { validate } from '../../webhooks/review.ts'
import {
  aConfig,
  aDataset,
  aModel,
  aModelServer,
  aNotebook,
  applied,
  conditionOf,
  readyOf,
  stored,
  sync,
  theChild,
} from '../objects.ts'

/**
 * A tenant who may only create our kinds names the administrator's Secrets. They are in the namespace,
 * so the kubelet would pass them to the tenant's own container.
 */

const registry = { prefix: 'registry.test', pushSecretName: 'push', pullSecretName: 'pull' }
const s3 = { bucket: 'b', secretName: 'store' }

const admission = (object: Parent, config: Config, oldObject?: Parent) =>
  validate(
    { uid: '1', operation: oldObject ? 'UPDATE' : 'CREATE', object, oldObject: oldObject ?? null },
    config,
    {},
  ).response

/** Every spelling that the schema accepts as a reference to a key of the Secret. */
const spellings = (name: string) => [
  `\${{ secrets.${name}.key }}`,
  `\${{secrets.${name}.key}}`,
  `\${{   secrets.${name}.key     }}`,
  `\${{ secrets.${name}.key}}`,
  `\${{ secrets.${name}..dockerconfigjson }}`,
  `\${{ secrets.${name}.A_-b.c }}`,
]

const image = 'example.com/own:1'
const git = { url: 'https://git.attacker.example/code' }
const fields: readonly {
  readonly field: string
  readonly specs: (name: string) => readonly Readonly<Record<string, unknown>>[]
}[] = [
  {
    field: 'spec.env',
    specs: (name) => spellings(name).map((value) => ({ image, env: { A: 'a', TOKEN: value } })),
  },
  {
    field: 'spec.params',
    specs: (name) => spellings(name).map((value) => ({ image, params: { rate: 1, token: value } })),
  },
  {
    field: 'spec.build.git.secretName',
    specs: (name) => [{ build: { git: { ...git, secretName: name } } }],
  },
  {
    field: 'spec.pod.volumes',
    specs: (name) => [
      { image, pod: { volumes: [{ name: 'own', secret: { secretName: name } }] } },
      {
        image,
        pod: {
          volumes: [
            { name: 'own', emptyDir: {} },
            { name: 'other', secret: { secretName: name, optional: true, items: [] } },
          ],
        },
      },
    ],
  },
  {
    field: 'spec.pod.container.envFrom',
    specs: (name) => [
      { image, pod: { container: { envFrom: [{ prefix: 'A', secretRef: { name } }] } } },
    ],
  },
]

const configurations: readonly {
  readonly option: string
  readonly name: string
  readonly file: ConfigFile
}[] = [
  { option: 'registry.pushSecretName', name: 'push', file: { registry } },
  { option: 'registry.pullSecretName', name: 'pull', file: { registry } },
  {
    option: 'storage.s3.secretName',
    name: 'store',
    file: { registry, storage: { driver: 's3', s3 } },
  },
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'CA_CERTIFICATES'].map((variable) => ({
    option: `builder.env.${variable}`,
    name: 'network',
    file: { builder: { env: { [variable]: '${{ secrets.network.key }}' } } },
  })),
]

const objects: readonly { readonly of: string; readonly made: (spec: object) => Parent }[] = [
  { of: 'Dataset', made: (spec) => aDataset({ ...spec }) },
  // A Model with nothing to run makes no Pod, so nothing of spec.pod is used.
  { of: 'Model', made: (spec) => aModel({ params: { epochs: 1 }, ...spec }) },
  { of: 'ModelServer', made: (spec) => aModelServer({ model: { name: 'falcon' }, ...spec }) },
  { of: 'Notebook', made: (spec) => aNotebook({ ...spec }) },
]

const each = objects.flatMap(({ of, made }) =>
  fields.flatMap(({ field, specs }) =>
    configurations.map(({ option, name, file }) => ({
      of,
      field,
      option,
      name,
      config: aConfig(file),
      attacks: specs(name).map(made),
      own: specs('own').map(made),
    })),
  ),
)

describe('no container of a tenant reads a Secret that only the tools use', () => {
  test.each(each)(
    '$of: $field does not name $option',
    ({ field, option, name, config, attacks }) => {
      for (const attack of attacks) {
        const { allowed, status } = admission(attack, config)
        expect(allowed).toBe(false)
        expect(status?.message).toContain(`${field}: Forbidden: `)
        expect(status?.message).toContain(
          `Secret "${name}", which only the tools of this cluster use (${option}): name a Secret of your own`,
        )
        // The hooks check the same: the webhook may have been down, or the configuration may have changed.
        const answer = sync(attack, [], config)
        expect(readyOf(answer)).toContain('False InvalidSpec: ')
        expect(readyOf(answer)).toContain(`${field}: Forbidden: `)
        expect(answer.children).toEqual([])
      }
    },
  )

  test.each(each)('$of: $field may name a Secret of its own beside $option', ({ config, own }) => {
    for (const object of own) {
      expect(admission(object, config).status?.message).toBeUndefined()
      expect(readyOf(sync(object, [], config))).not.toContain('InvalidSpec')
    }
  })

  test('the message names each variable and Secret once, and each option', () => {
    const object = aModel({
      image,
      env: {
        B: '${{ secrets.both.a }}',
        A: '${{ secrets.both.b }}',
        C: '${{ secrets.store.key }}',
        D: '${{ secrets.own.key }}',
      },
    })
    const config = aConfig({
      registry: { ...registry, pushSecretName: 'both', pullSecretName: 'both' },
      storage: { driver: 's3', s3 },
    })
    expect(admission(object, config).status?.message).toBe(
      'Model.substratus.ai "falcon" is invalid: spec.env: Forbidden: "A", "B", "C" would read Secrets "both", "store", which only the tools of this cluster use (registry.pushSecretName, registry.pullSecretName, storage.s3.secretName): name a Secret of your own',
    )
  })

  test.each(['pvc', 'hostPath'] as const)(
    'the Secret of S3 may be named while the driver is %s',
    (driver) => {
      const config = aConfig({ storage: { driver, s3, hostPath: { allowed: true } } })
      const object = aModel({ image, env: { TOKEN: '${{ secrets.store.key }}' } })
      expect(admission(object, config).allowed).toBe(true)
      expect(readyOf(sync(object, [], config))).not.toContain('InvalidSpec')
    },
  )

  test('it is in use again where results are in a former bucket', () => {
    const config = aConfig({ storage: { driver: 'pvc', s3, former: ['s3://b/p'] } })
    const object = aModel({ image, env: { TOKEN: '${{ secrets.store.key }}' } })
    expect(admission(object, config).allowed).toBe(false)
  })

  test('imagePullSecrets may name them: the kubelet exposes those to no container', () => {
    const object = aModel({ image, imagePullSecrets: ['push', 'pull', 'own'] })
    expect(admission(object, aConfig({ registry })).allowed).toBe(true)
  })

  test('a running workload is left alone when the administrator configures its Secret', () => {
    const notebook = aNotebook({ image, env: { TOKEN: '${{ secrets.push.key }}' } })
    const before = sync(notebook, [], aConfig())
    const running = stored(notebook, before)
    const after = sync(running, applied(before), aConfig({ registry }))
    expect(readyOf(after)).toContain('False InvalidSpec: spec.env: Forbidden: "TOKEN" would read')
    expect(conditionOf(after, 'Serving')).toBe(conditionOf(before, 'Serving'))
    expect(theChild(after, 'StatefulSet').spec).toEqual(theChild(before, 'StatefulSet').spec)
    expect(after.children).toHaveLength(before.children.length)

    // The object can still be suspended or corrected.
    const config = aConfig({ registry })
    const suspended = { ...notebook, spec: { ...(notebook.spec as object), suspend: true } }
    expect(admission(suspended, config, notebook)).toMatchObject({
      allowed: true,
      warnings: [expect.stringContaining('spec.env: Forbidden: "TOKEN"')],
    })
  })
})

describe('every field and option that names a Secret is covered', () => {
  const isAboutSecrets = (name: string) => /secret/i.test(name)
  const refersToSecrets = ({ pattern = '' }: Schema) => pattern.includes('(secret|configmap)')
  const pathsIn = (schema: Schema, path: string): readonly string[] => [
    ...(isAboutSecrets(path.split('.').at(-1) ?? '') || refersToSecrets(schema) ? [path] : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
      pathsIn(field, path ? `${path}.${name}` : name),
    ),
    ...(schema.items ? pathsIn(schema.items, path) : []),
  ]

  test('each option of the configuration that names a Secret is tested above', () => {
    const options = pathsIn(configSchema, '').filter((path) => !path.startsWith('pods.'))
    expect(options.toSorted()).toEqual(configurations.map(({ option }) => option).toSorted())
  })

  test('each field of a spec that names a Secret is checked, except imagePullSecrets', () => {
    const named = new Set(kinds.flatMap(({ spec }) => pathsIn(spec, 'spec')))
    const judged = Object.keys(secretFields)
    expect(fields.map(({ field }) => field)).toEqual(judged)
    const isJudged = (path: string) => judged.some((field) => `${path}.`.startsWith(`${field}.`))
    expect([...named].filter((path) => !isJudged(path))).toEqual(['spec.imagePullSecrets'])
  })
})
