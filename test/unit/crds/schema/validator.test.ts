import { describe, expect, test } from 'vitest'
import { defaultConfig } from '../../../../crds/config.ts'
import type { KindName, Parent } from '../../../../crds/kind.ts'
import { kinds } from '../../../../crds/kinds.ts'
import { validatorOf, visible } from '../../../../crds/objectvalidator.ts'
import { checkRules } from '../../../../crds/rules.ts'
import { sentence } from '../../../../crds/schema/validator.ts'
import { invalid } from '../../../cluster/invalid.ts'

const config = { ...defaultConfig, registry: { prefix: 'registry.test' } }

/** Compiled once: every kind has dozens of rules. */
const validators = new Map(kinds.map((kind) => [kind.kind, validatorOf(kind)]))

/** The errors of a manifest without a cluster, one sentence per broken rule. */
function errorsOf(kind: KindName, spec: unknown, name = 'bad'): readonly string[] {
  const object = { kind, metadata: { name }, spec } as Parent
  const wrong = validators.get(kind)?.(visible(object)) ?? []
  return [...wrong, ...checkRules(object, config, wrong)].map(sentence)
}

const image = 'example.com/image:1'
const git = { url: 'https://example.com/repo.git' }

describe('what the cluster refuses is refused without one', () => {
  // kubectl reports an unknown field before the API server sees it; here the field comes first.
  const offline = (says: string) => says.replace(/^unknown field "(.*)"$/, '$1: unknown field')

  test.each(invalid)('$kind: $name', ({ kind, spec, says, object }) => {
    const sentences = errorsOf(kind, spec, object)
    expect(sentences.join('\n')).toContain(offline(says))
    expect(sentences.join('\n')).not.toContain('secret@')
  })

  test('one mistake is one sentence, except for an empty string', () => {
    const wordy = invalid.filter(
      ({ kind, spec, object }) => errorsOf(kind, spec, object).length > 1,
    )
    expect(wordy.map(({ spec }) => spec)).toEqual([{ image: '' }])
  })
})

describe('the fields are those that the API server names', () => {
  test.each([
    {
      what: 'a number that no integer of 64 bits can be',
      container: { resources: { limits: { 'example.com/a': 1e300 } } },
      fields: ['spec.pod.container.resources.limits.example.com/a'],
    },
    {
      what: 'a pattern inside a list, and a rule of the list',
      container: { envFrom: [{ prefix: 'a/b' }] },
      fields: ['spec.pod.container.envFrom', 'spec.pod.container.envFrom[0].prefix'],
    },
    {
      what: 'an empty name in a map',
      container: { resources: { limits: { '': '' } } },
      fields: ['spec.pod.container.resources.limits.'],
    },
  ])('$what', ({ container, fields }) => {
    const spec = { image, pod: { container } }
    const errors = validators.get('Model')?.({ metadata: { name: 'm' }, spec }) ?? []
    expect(errors.map(({ field }) => field).sort()).toEqual(fields)
  })
})

describe('valid objects are not refused', () => {
  test.each<{ what: string; kind: KindName; spec: unknown }>([
    {
      what: 'a revision of a repository at the hub',
      kind: 'Dataset',
      spec: { source: 'hf://org/name@main' },
    },
    { what: 'a whole bucket', kind: 'Dataset', spec: { source: 's3://bucket' } },
    { what: 'a folder of a claim', kind: 'Dataset', spec: { source: 'pvc://claim/some/path' } },
    {
      what: 'an image with a base and data',
      kind: 'Model',
      spec: { image, model: { name: 'base' }, dataset: { name: 'squad' } },
    },
    {
      what: 'a folder with two dots in its name',
      kind: 'Model',
      spec: { build: { git: { ...git, branch: 'main', path: 'a/b..c' } } },
    },
    {
      what: 'a repository over ssh',
      kind: 'Model',
      spec: { build: { git: { url: 'ssh://git@example.com/repo' } } },
    },
    {
      what: 'quantities as text and as numbers',
      kind: 'Model',
      spec: { image, resources: { cpu: '500m', memory: '1.5Gi', disk: 1 } },
    },
    { what: 'no GPU', kind: 'Model', spec: { image, resources: { gpu: { count: 0 } } } },
    {
      what: 'a key of a Secret',
      kind: 'Model',
      spec: { image, env: { TOKEN: '${{ secrets.hf.token }}' } },
    },
    {
      what: 'params of each type',
      kind: 'Model',
      spec: { image, params: { epochs: 1, rate: 0.5, fast: true, name: 'x' } },
    },
    {
      what: 'the largest and the least integer',
      kind: 'Model',
      spec: { image, params: { most: 2 ** 53 - 1, least: 1 - 2 ** 53 } },
    },
    {
      what: 'a runtime, without replicas',
      kind: 'ModelServer',
      spec: { model: { name: 'base' }, runtime: 'vllm', replicas: 0 },
    },
    {
      what: 'a strategy by its name',
      kind: 'ModelServer',
      spec: { model: { name: 'base' }, strategy: 'Recreate' },
    },
    {
      what: 'a strategy of one type',
      kind: 'ModelServer',
      spec: { model: { name: 'base' }, strategy: { type: 'Recreate' } },
    },
    {
      what: 'a strategy with numbers',
      kind: 'ModelServer',
      spec: {
        model: { name: 'base' },
        strategy: { type: 'RollingUpdate', maxSurge: 1, maxUnavailable: '100%' },
      },
    },
    { what: 'an empty spec', kind: 'Notebook', spec: {} },
    {
      what: 'an idle timeout of hours and minutes',
      kind: 'Notebook',
      spec: { idleTimeout: '1h30m' },
    },
    {
      what: 'an idle timeout of no hours, but seconds',
      kind: 'Notebook',
      spec: { idleTimeout: '0h10s' },
    },
    {
      what: 'an address with an empty folder and a query',
      kind: 'Dataset',
      spec: { source: 'https://example.com/a//b?c=d' },
    },
    {
      what: 'a file at the hub',
      kind: 'Dataset',
      spec: { source: 'https://huggingface.co/org/name/resolve/main/a.csv' },
    },
    {
      what: 'a file of GitHub in a folder named blob',
      kind: 'Dataset',
      spec: { source: 'https://github.com/org/name/raw/main/blob/a.csv' },
    },
    {
      what: 'a file of a release at GitHub',
      kind: 'Dataset',
      spec: { source: 'https://github.com/org/name/releases/download/1/a' },
    },
    { what: 'a whole claim', kind: 'Dataset', spec: { source: 'pvc://claim' } },
    {
      what: 'a folder of a claim, with a slash at its end',
      kind: 'Dataset',
      spec: { source: 'pvc://claim/path/' },
    },
    {
      what: 'fractions of gibibytes',
      kind: 'Model',
      spec: { image, resources: { memory: '0.5Gi', disk: '100Mi' } },
    },
    { what: 'a pebibyte', kind: 'Model', spec: { image, resources: { disk: 1024 ** 2 } } },
    {
      what: 'a key of a Secret, without spaces',
      kind: 'Model',
      spec: { image, env: { TOKEN: '${{secrets.h-f.to.ken}}' } },
    },
  ])('$kind: $what', ({ kind, spec }) => {
    expect(errorsOf(kind, spec)).toEqual([])
  })
})

describe('the name of an image', () => {
  const hex = 'a'.repeat(64)
  test.each([
    'busybox',
    'busybox:1.37_x-y',
    'org/name',
    'docker.io/vllm/vllm-openai:v0.32.0',
    'localhost/x',
    'localhost:5000/x',
    'REGISTRY.example.com:5000/a/b__c/d--e.f:Latest',
    `10.245.0.1:5001/base/busybox@sha256:${hex}`,
    `ghcr.io/a/b:1@sha256:${hex}`,
    '[::1]:5000/a',
  ])('%s', (name) => {
    expect(errorsOf('Model', { image: name })).toEqual([])
  })

  const form = 'must be [HOST[:PORT]/]NAME[:TAG][@DIGEST]'
  test.each([
    {
      name: 'https://hub.docker.com/r/vllm/vllm-openai',
      says: 'this is a page about an image: write docker.io/vllm/vllm-openai',
    },
    {
      name: 'https://hub.docker.com/r/vllm/vllm-openai/tags?page=2',
      says: 'this is a page about an image: write docker.io/vllm/vllm-openai',
    },
    {
      name: 'docker://ghcr.io/a/b:1',
      says: 'the name of an image has no docker:// before it: write ghcr.io/a/b:1',
    },
    { name: 'MyOrg/Model:1', says: 'an image name must be lower case, unlike "MyOrg/Model"' },
    { name: 'ghcr.io/Org/x', says: 'an image name must be lower case, unlike "ghcr.io/Org/x"' },
    { name: 'a:b:c', says: form },
    { name: 'a/', says: form },
    { name: '/a', says: form },
    { name: 'a//b', says: form },
    { name: 'a_', says: form },
    { name: 'a@sha256:abc', says: form },
    { name: 'a:$(TAG)', says: form },
  ])('is not $name', ({ name, says }) => {
    expect(errorsOf('Model', { image: name })).toEqual([`spec.image: Invalid value: ${says}`])
  })
})

describe('in the words of the API server', () => {
  test.each<{ says: string; kind?: KindName; spec: unknown }>([
    {
      says: 'spec.command: Invalid value: must be an array, not a string',
      spec: { image, command: 'x' },
    },
    {
      says: 'spec.args[1]: Invalid value: must be a string, not a number: write it in quotes',
      spec: { image, args: ['a', 1] },
    },
    {
      says: 'spec.idleTimeout: Invalid value: must be a string, not a number: write hours, minutes and seconds in this order, such as "2h", "90m" or "1h30m"',
      kind: 'Notebook',
      spec: { idleTimeout: 30 },
    },
    {
      says: 'spec.model: Invalid value: must be an object, not a string: write the name into its field name',
      kind: 'ModelServer',
      spec: { model: 'qwen' },
    },
    {
      says: 'spec.resources.cpu: Invalid value: must be an integer or a string, not a boolean',
      spec: { image, resources: { cpu: true } },
    },
    {
      says: 'spec.resources.disk: Invalid value: "20Gb": write an integer for gibibytes, or a quantity with one of the units Mi, Gi, Ti, M, G and T, such as "20Gi"',
      spec: { image, resources: { disk: '20Gb' } },
    },
    { says: 'spec.env: Invalid value: must be an object, not an array', spec: { image, env: [] } },
    {
      says: 'spec.suspend: Invalid value: must be a boolean, not null',
      spec: { image, suspend: null },
    },
    {
      says: 'spec.package: Unsupported value: "auto": supported values: "Auto", "Always", "Never"',
      spec: { image, package: 'auto' },
    },
    { says: 'spec.dataset.name: Required value', spec: { image, dataset: {} } },
    {
      says: 'spec.pod.topologySpreadConstraints[0].maxSkew: Invalid value: 2147483648: should be less than or equal to 2147483647',
      spec: {
        image,
        pod: {
          topologySpreadConstraints: [
            { maxSkew: 2 ** 31, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' },
          ],
        },
      },
    },
    {
      says: 'spec.build.git.tag: Invalid value: "-x": should match \'^[^-\\s][^\\s]*$\'',
      spec: { build: { git: { ...git, tag: '-x' } } },
    },
    {
      says: 'spec.runPolicy.backoffLimit: Invalid value: -1: should be greater than or equal to 0',
      spec: { image, runPolicy: { backoffLimit: -1 } },
    },
    {
      says: 'spec.resources.gpu.count: Invalid value: 1025: should be less than or equal to 1024',
      spec: { image, resources: { gpu: { count: 1025 } } },
    },
    {
      says: 'spec.image: Too long: may not be more than 512 characters',
      spec: { image: 'x'.repeat(513) },
    },
    {
      says: 'spec.imagePullSecrets: Too many: must have at most 16 items',
      spec: { image, imagePullSecrets: Array.from({ length: 17 }, (_, i) => `s${i}`) },
    },
    {
      says: 'spec.imagePullSecrets[2]: Duplicate value: "a"',
      spec: { image, imagePullSecrets: ['a', 'b', 'a'] },
    },
    {
      says: 'spec.params: Invalid value: "learning-rate", "learning_rate" would be the same environment variable "PARAM_LEARNING_RATE"',
      spec: { image, params: { learning_rate: 1, 'learning-rate': 2 } },
    },
    {
      says: 'spec.model.name: Invalid value: a Model cannot be its own base',
      spec: { image, model: { name: 'bad' } },
    },
  ])('$says', ({ kind = 'Model', spec, says }) => {
    expect(errorsOf(kind, spec)).toEqual([says])
  })
})

describe('a web page is refused as a source, and the message names the file’s URL', () => {
  const model = 'this is the page of a model, not a file: as the source of a Model write'
  const dataset = 'this is the page of a dataset, not a file: as the source of a Dataset write'
  const other = 'this is the page of a repository, not a file: write'
  const file = 'this is a page about a file: write'
  const hub = 'https://huggingface.co'
  test.each([
    { source: `${hub}/acme/tiny-llm`, says: `${model} hf://acme/tiny-llm` },
    { source: `${hub}/acme/tiny.llm/?x=1`, says: `${model} hf://acme/tiny.llm` },
    { source: 'http://www.hf.co/acme/tiny-llm/tree/v1', says: `${model} hf://acme/tiny-llm@v1` },
    { source: `${hub}/acme/tiny-llm/tree/v1/deep?x`, says: `${model} hf://acme/tiny-llm@v1` },
    { source: `${hub}/acme/tiny-llm/tree/`, says: `${model} hf://acme/tiny-llm` },
    { source: `${hub}/acme/tiny-llm/commit/abc1`, says: `${model} hf://acme/tiny-llm@abc1` },
    { source: `${hub}/datasets/acme/rows/?x=1`, says: `${dataset} hf://acme/rows` },
    { source: `${hub}/datasets/acme/rows/tree/v2`, says: `${dataset} hf://acme/rows@v2` },
    { source: `${hub}/datasets/rows`, says: `${other} hf://ORG/NAME` },
    { source: `${hub}/datasets/rows/tree/main`, says: `${other} hf://ORG/NAME` },
    { source: `${hub}/datasets/rows/tree/rows`, says: `${other} hf://ORG/NAME` },
    { source: `${hub}/docs/hub`, says: `${other} hf://ORG/NAME` },
    {
      source: `${hub}/acme/tiny-llm/blob/main/blob/a.bin?download=true`,
      says: `${file} ${hub}/acme/tiny-llm/resolve/main/blob/a.bin?download=true`,
    },
    {
      source: `${hub}/datasets/acme/rows/blob/main/a.csv`,
      says: `${file} ${hub}/datasets/acme/rows/resolve/main/a.csv`,
    },
    {
      source: 'https://github.com/acme/rows/blob/main/a.csv',
      says: `${file} https://github.com/acme/rows/raw/main/a.csv`,
    },
    {
      source: `https://github.com/acme/rows/blob/main/a.csv#sha256=${'a'.repeat(64)}`,
      says: `${file} https://github.com/acme/rows/raw/main/a.csv#sha256=${'a'.repeat(64)}`,
    },
    {
      source: 'https://github.com/blob/rows/blob/main/a.csv',
      says: `${file} https://github.com/blob/rows/raw/main/a.csv`,
    },
    {
      source: 'https://git.example.com/acme/deep/rows/-/blob/main/a.csv',
      says: `${file} https://git.example.com/acme/deep/rows/-/raw/main/a.csv`,
    },
  ])('$source', ({ source, says }) => {
    for (const kind of ['Model', 'Dataset'] as const)
      expect(errorsOf(kind, { source })).toEqual([`spec.source: Invalid value: ${says}`])
  })

  test('a source of the greatest length costs next to nothing', () => {
    const start = performance.now()
    for (const part of ['/aa', '/--', '/-/blob', 'a', '@', ':', '#'])
      errorsOf('Dataset', { source: `https://example.com/${part.repeat(2000)}`.slice(0, 2048) })
    expect(performance.now() - start).toBeLessThan(1000)
  })

  test('the line of a page is no part of the file', () => {
    expect(
      errorsOf('Dataset', { source: 'https://github.com/acme/rows/blob/main/a.csv#L7' }),
    ).toEqual([
      expect.stringContaining('what follows "#" must be sha256='),
      expect.stringMatching(/ write https:\/\/github\.com\/acme\/rows\/raw\/main\/a\.csv$/),
    ])
  })
})

describe('an address whose port is no number is refused', () => {
  const number = 'the port must be a number from 1 to 65535'
  const addresses = [
    { url: 'https://host:acme/x', says: '"acme" is no port: write https://host/acme/x' },
    { url: 'https://host:~me/x:y', says: '"~me" is no port: write https://host/~me/x:y' },
    { url: 'https://host:22a/x', says: '"22a" is no port: write https://host/22a/x' },
    { url: 'https://host:65536/x', says: number },
    { url: 'https://host:0/x', says: number },
    { url: 'https://host:000/x', says: number },
    { url: 'https://host:1:acme/x', says: number },
    { url: 'https://[::1]:acme/x', says: number },
    { url: 'https://::1/x', says: number },
  ]
  test.each([
    ...addresses,
    {
      url: 'ssh://git@github.com:acme/x.git',
      says: '"acme" is no port: write ssh://git@github.com/acme/x.git',
    },
    { url: 'ssh://host:acme/x', says: '"acme" is no port: write ssh://host/acme/x' },
  ])('$url as a repository', ({ url, says }) => {
    expect(errorsOf('Model', { build: { git: { url } } })).toEqual([expect.stringContaining(says)])
  })
  test.each(addresses)('$url as a source', ({ url, says }) => {
    expect(errorsOf('Dataset', { source: url })).toEqual([expect.stringContaining(says)])
  })

  test.each([
    'https://host:/x',
    'https://host:1/x:y',
    'https://host:65535/a@b',
    'https://[::1]/x',
    'https://[2001:db8::1]:08443/x',
  ])('%s is not', (url) => {
    expect(errorsOf('Dataset', { source: url })).toEqual([])
    expect(errorsOf('Model', { build: { git: { url } } })).toEqual([])
  })
  test.each(['ssh://git@host:2222/x', 'ssh://git@[::1]:22/x', 'ssh://git@host/~me/x:y'])(
    '%s is not, over ssh',
    (url) => {
      expect(errorsOf('Model', { build: { git: { url } } })).toEqual([])
    },
  )
})

describe('what follows "#" in a source by https is a checksum', () => {
  const says = 'what follows "#" must be sha256= and the 64 hexadecimal digits of the file'
  const digits = '0123456789abcdef'.repeat(4)
  test.each([
    'v2',
    'sha256=ABCDEF',
    `sha256=${digits}0`,
    `sha256:${digits}`,
    `md5=${digits}`,
    `SHA256=${digits}`,
    `sha256=${digits}#`,
  ])('#%s is none', (fragment) => {
    const sentences = errorsOf('Dataset', { source: `https://example.com/x.csv#${fragment}` })
    expect(sentences).toEqual([expect.stringContaining(says)])
  })
  test.each([
    `https://example.com/x.csv#sha256=${digits}`,
    `https://example.com/x.csv#sha256=${digits.toUpperCase()}`,
    'https://example.com/x.csv#',
    's3://bucket/run#1/x',
  ])('%s is taken', (source) => {
    expect(errorsOf('Dataset', { source })).toEqual([])
  })
})

test('far too many params are refused quickly', () => {
  const params = Object.fromEntries(Array.from({ length: 6000 }, (_, i) => [`p${i}`, 1]))
  const start = performance.now()
  expect(errorsOf('Model', { image, params })).toEqual([
    'spec.params: Too many: must have at most 512 items',
  ])
  // Each against each took 13 s.
  expect(performance.now() - start).toBeLessThan(1000)
})

describe('an unknown field is compared with the known fields of its object', () => {
  test.each([
    { spec: { image, comand: ['x'] }, says: 'spec.comand: unknown field, did you mean "command"?' },
    {
      spec: { image, Command: ['x'] },
      says: 'spec.Command: unknown field, did you mean "command"?',
    },
    {
      spec: { image, resources: { gpus: {} } },
      says: 'spec.resources.gpus: unknown field, did you mean "gpu"?',
    },
    { spec: { image, colour: 'red' }, says: 'spec.colour: unknown field' },
    {
      spec: { image, resources: { gpu: { comand: 1 } } },
      says: 'spec.resources.gpu.comand: unknown field',
    },
  ])('$says', ({ spec, says }) => {
    expect(errorsOf('Model', spec)).toEqual([says])
  })
})

describe('a value of the wrong type is never echoed, because it may be a secret', () => {
  const secret = 'hunter2'
  test.each<{ kind?: KindName; field: string; spec: unknown }>([
    { field: 'spec', spec: secret },
    { field: 'spec.env', spec: { image, env: secret } },
    { field: 'spec.env.TOKEN', spec: { image, env: { TOKEN: { value: secret } } } },
    { field: 'spec.env.LIST', spec: { image, env: { LIST: [secret] } } },
    { field: 'spec.params', spec: { image, params: { token: [secret] } } },
    { field: 'spec.image', spec: { image: { user: secret } } },
    { field: 'spec.package', spec: { image, package: { user: secret } } },
    { field: 'spec.resources.memory', spec: { image, resources: { memory: [secret] } } },
    { field: 'spec.imagePullSecrets[0]', spec: { image, imagePullSecrets: [{ name: secret }] } },
    {
      kind: 'ModelServer',
      field: 'spec.strategy',
      spec: { model: { name: 'base' }, strategy: [secret] },
    },
  ])('$field', ({ kind = 'Model', field, spec }) => {
    const sentences = errorsOf(kind, spec)
    expect(sentences).toEqual([expect.stringContaining(`${field}: Invalid value: `)])
    expect(sentences.join()).not.toContain(secret)
  })

  test.each([
    {
      where: 'beside a reference',
      spec: { image, env: { TOKEN: `\${{ secrets.hf }} ${secret}` } },
    },
    { where: 'in a value that is too long', spec: { image, env: { TOKEN: secret.repeat(2000) } } },
    { where: 'in a source', spec: { source: `https://me:${secret}@example.com/x` } },
    {
      where: 'in a source without a port or a checksum',
      spec: { source: `https://me:${secret}@example.com:acme/x#v2` },
    },
    {
      where: 'in the address of a repository without a port',
      spec: { build: { git: { url: `ssh://me:${secret}@example.com:acme/x` } } },
    },
    {
      where: 'as the user of a repository',
      spec: { build: { git: { url: `https://${secret}@example.com/x` } } },
    },
    {
      where: 'in an address over ssh',
      spec: { build: { git: { url: `ssh://me:${secret}@example.com/x` } } },
    },
  ])('nor are credentials $where', ({ spec }) => {
    const sentences = errorsOf('Model', spec)
    expect(sentences).toHaveLength(1)
    expect(sentences.join()).not.toContain(secret)
  })
})

describe('a huge value whose only error is in what is not looked at', () => {
  const values = Array.from({ length: 64 }, (_, index) => `v${index}`)
  const expressions = Array.from({ length: 16 }, () => ({ key: 'a', operator: 'In', values }))
  const terms = Array.from({ length: 8 }, () => ({ matchExpressions: expressions }))
  const pod = (more: object) => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
      },
    },
    ...more,
  })
  const image = 'example.com/m'

  test('is still refused, with that error', () => {
    const volumes = [{ name: 'a', emptyDir: { medium: 'Paper' } }]
    expect(errorsOf('Model', { image, pod: pod({ volumes }) })[0]).toBe(
      'spec.pod.volumes[0].emptyDir.medium: Unsupported value: "Paper": supported values: "Memory", "HugePages"',
    )
  })

  test('is accepted without one', () => {
    const volumes = [{ name: 'a', emptyDir: {} }]
    expect(errorsOf('Model', { image, pod: pod({ volumes }) })).toEqual([])
  })
})
