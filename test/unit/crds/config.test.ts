import { describe, expect, test } from 'vitest'
import { type ConfigFile, configOf, defaultConfig } from '../../../crds/config.ts'

const errorsOf = (file: unknown) => {
  const result = configOf(file)
  return 'errors' in result ? result.errors.map(({ field, message }) => `${field}: ${message}`) : []
}

const given = (file: ConfigFile) => {
  const result = configOf(file)
  if ('errors' in result) throw new Error(errorsOf(file).join())
  return result.config
}

describe('the file is merged with the defaults', () => {
  test.each([
    { when: 'the file is empty', file: undefined },
    { when: 'the file contains null', file: null },
    { when: 'the file contains an empty object', file: {} },
  ])('$when: the defaults apply', ({ file }) => {
    expect(configOf(file)).toEqual({ config: defaultConfig })
  })

  test('one field of a kind does not change its others', () => {
    expect(given({ resources: { Model: { memory: 64 } } }).resources.Model).toEqual({
      ...defaultConfig.resources.Model,
      memory: 64,
    })
  })

  test('GPU profiles are replaced as a whole, so that none is offered that the cluster lacks', () => {
    const profiles = { h100: { resourceName: 'nvidia.com/gpu' } }
    expect(given({ gpus: { default: 'h100', profiles } }).gpus).toEqual({
      default: 'h100',
      profiles,
    })
  })

  test('the access modes of claims are replaced as a whole', () => {
    const { storage } = given({ storage: { pvc: { accessModes: ['ReadWriteMany'] } } })
    expect(storage.pvc).toEqual({ accessModes: ['ReadWriteMany'] })
  })

  test('the defaults are never changed', () => {
    const before = JSON.stringify(defaultConfig)
    given({ resources: { Model: { cpu: 1 } }, storage: { pvc: { className: 'fast' } } })
    expect(JSON.stringify(defaultConfig)).toBe(before)
  })
})

describe('an error is reported by its path', () => {
  test.each(
    [
      { file: { gpu: {} }, says: 'gpu: unknown field, did you mean "gpus"?' },
      { file: { registry: { prefix: '-x' } }, says: 'registry.prefix: Invalid value: "-x"' },
      { file: { images: { loader: 'a b' } }, says: 'images.loader: Invalid value: "a b"' },
      {
        file: { servers: { presets: { it: { image: 'ü' } } } },
        says: 'servers.presets.it.image: Invalid value: "ü"',
      },
      {
        file: { servers: { presets: { it: { image: 'it', aliases: [['--model', 'm']] } } } },
        says: 'servers.presets.it.aliases[0][1]: Invalid value: "m"',
      },
      {
        file: { storage: { s3: { prefix: 'a\u0085b' } } },
        says: 'storage.s3.prefix: Invalid value',
      },
      {
        file: { storage: { former: ['file:///etc'] } },
        says: 'storage.former[0]: Invalid value: "file:///etc"',
      },
      {
        file: { storage: { former: ['hostpath:///old'] } },
        says: 'storage.hostPath.allowed: Required value',
      },
      {
        file: { registry: { prefx: 'x' } },
        says: 'registry.prefx: unknown field, did you mean "prefix"?',
      },
      { file: { references: 'Ignore' }, says: 'references: Invalid value: "Ignore"' },
      {
        file: { references: { missing: 'Ignore' } },
        says: 'references.missing: Unsupported value: "Ignore"',
      },
      {
        file: { gpus: { default: 'b200' } },
        says: 'gpus.default: Unsupported value: "b200": supported values: ',
      },
      {
        file: { gpus: { default: 'toString' } },
        says: 'gpus.default: Unsupported value: "toString"',
      },
      {
        file: { servers: { default: 'tgi' } },
        says: 'servers.default: Unsupported value: "tgi": supported values: "vllm", "vllm-embed", "llamacpp", "tei", "whisper"',
      },
      {
        file: { resources: { Model: { cpu: 'two' } } },
        says: 'resources.Model.cpu: Invalid value: "two"',
      },
      {
        file: { resources: { Model: { memory: -1 } } },
        says: 'resources.Model.memory: Invalid value: -1',
      },
      {
        file: { builder: { memory: '2000m' } },
        says: 'builder.memory: Invalid value: "2000m"',
      },
      {
        file: { packaging: { maxSize: 10737418240 } },
        says: 'packaging.maxSize: Invalid value: 10737418240',
      },
      {
        file: { gpus: { default: 'l4', profiles: { l4: {} } } },
        when: 'a GPU profile has neither a resource nor a device class',
        says: 'gpus.profiles.l4: Invalid value: set either resourceName or deviceClassName',
      },
      {
        file: {
          gpus: { default: 'l4', profiles: { l4: { resourceName: 'a', deviceClassName: 'b' } } },
        },
        when: 'a GPU profile has both a resource and a device class',
        says: 'gpus.profiles.l4: Invalid value: set either resourceName or deviceClassName',
      },
      {
        file: { storage: { pvc: { accessModes: [] } } },
        says: 'storage.pvc.accessModes: Invalid value: must have at least 1 item',
      },
      {
        file: {
          gpus: {
            default: 'l4',
            profiles: { l4: { resourceName: 'a', tolerations: [{ key: 'a', value: '' }] } },
          },
        },
        says: 'gpus.profiles.l4.tolerations[0].value: Invalid value: "": must have at least 1 characters',
      },
      { file: 'text', says: 'Invalid value: must be an object, not a string' },
      { file: [], says: 'Invalid value: must be an object, not an array' },
    ].map((row) => ({ ...row, name: row.when ?? row.says })),
  )('$name', ({ file, says }) => {
    expect(errorsOf(file).join('\n')).toContain(says)
  })
})
