import { execFile } from 'node:child_process'
import { describe, expect, test } from 'vitest'

/** The command as a person types it. */
const convert = (input: string) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      ['cli/main.ts', 'convert', '-f', '-'],
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
    child.stdin?.end(input)
  })

describe('manifests of the last release', () => {
  test('a Server becomes a ModelServer; order and comments stay', async () => {
    expect(
      await convert(`apiVersion: substratus.ai/v1
kind: Server
metadata:
  name: falcon
spec:
  # Our own.
  image: example.com/server:1
  model:
    name: falcon
  env:
    TOKEN: \${{ secrets.ai.TOKEN }}
  resources:
    gpu: {type: nvidia-l4, count: 1}
`),
    ).toEqual({
      code: 0,
      stderr: '',
      stdout: `apiVersion: substratus.ai/v1
kind: ModelServer
metadata:
  name: falcon
spec:
  # Our own.
  image: example.com/server:1
  model:
    name: falcon
  env:
    TOKEN: \${{ secrets.ai.TOKEN }}
  resources:
    gpu: {type: nvidia-l4, count: 1}
`,
    })
  })

  test('every field of all four kinds is converted', async () => {
    const all = `
      command: [python, run.py]
      env: {COLOUR: blue}
      params: {epochs: 3, name: x}
      build: {git: {url: "https://github.com/acme/train", path: src, branch: main}}
      resources: {cpu: 4, memory: 16, disk: 30, gpu: {type: nvidia-t4, count: 2}}`
    const of = (kind: string, more: string) =>
      `apiVersion: substratus.ai/v1\nkind: ${kind}\nmetadata: {name: x}\nspec:${all}${more}\n`
    const { code, stdout, stderr } = await convert(
      [
        of('Dataset', ''),
        of('Model', '\n      model: {name: base}\n      dataset: {name: data}'),
        of('Server', '\n      model: {name: base}'),
        of(
          'Notebook',
          '\n      model: {name: base}\n      dataset: {name: data}\n      suspend: true',
        ),
      ].join('---\n'),
    )
    expect(stderr.trim().split('\n')).toEqual(
      ['Dataset', 'Model', 'Server', 'Notebook'].map((kind) =>
        expect.stringContaining(
          `note: stdin: ${kind} "x": spec.resources.disk: was for the container’s own files`,
        ),
      ),
    )
    expect(stdout.match(/^kind: .*$/gm)).toEqual([
      'kind: Dataset',
      'kind: Model',
      'kind: ModelServer',
      'kind: Notebook',
    ])
    expect(code).toBe(0)
  })

  test('fields that a cluster has written are removed from an exported object', async () => {
    const { stdout, stderr, code } = await convert(`apiVersion: substratus.ai/v1
kind: Model
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: "{}"
  creationTimestamp: "2024-01-01T00:00:00Z"
  generation: 2
  name: m
  namespace: team
  resourceVersion: "123"
  uid: 1-2-3
spec:
  build:
    git: {url: https://github.com/acme/train}
  image: registry/m@sha256:abc
  params: {epochs: 1}
  resources: {cpu: 2, disk: 10, memory: 10}
status: {ready: true}
`)
    expect(stdout).toBe(`apiVersion: substratus.ai/v1
kind: Model
metadata:
  name: m
  namespace: team
spec:
  build:
    git: {url: https://github.com/acme/train}
  params: {epochs: 1}
  resources: {cpu: 2, memory: 10}
`)
    expect(stderr).toContain('spec.image: was the result of the build: removed')
    expect(stderr).toContain('spec.resources.disk: was the old default of 10')
    expect(code).toBe(0)
  })

  test.each([
    {
      when: 'a folder is uploaded',
      spec: 'build: {upload: {md5Checksum: 0123456789abcdef0123456789abcdef, requestID: a}}',
      says: 'error: stdin: Model "m": spec.build.upload: folders are not uploaded: push it to Git',
    },
    {
      when: 'it refers to another namespace',
      spec: 'image: a\n  dataset: {name: d, namespace: other}',
      says: 'spec.dataset.namespace: references stay within the namespace',
    },
    {
      when: 'a Secret is only a part of a value',
      spec: 'image: a\n  env: {A: "Bearer ${{ secrets.a.B }}"}',
      says: 'must be exactly ${{ secrets.NAME.KEY }}',
    },
    {
      when: 'a field that must go comes by a merge key',
      spec: 'image: a\n  command: [x]\n  resources: {<<: {disk: 10}, cpu: 2}',
      says: 'spec.resources.disk: must be removed, but comes from a merge key "<<" or an alias: remove it where it is defined',
    },
    { when: 'it has a field that never was', spec: 'image: a\n  imge: b', says: 'spec.imge' },
  ])('a manifest that cannot be converted is an error: $when', async ({ spec, says }) => {
    const { code, stderr } = await convert(
      `apiVersion: substratus.ai/v1\nkind: Model\nmetadata: {name: m}\nspec:\n  ${spec}\n`,
    )
    expect(stderr).toContain(says)
    expect(stderr.match(/^error: /gm)).toHaveLength(1)
    expect(code).toBe(1)
  })

  test('a Model with only an image gets a note that the image is now the model', async () => {
    const { code, stderr } = await convert(
      'apiVersion: substratus.ai/v1\nkind: Model\nmetadata: {name: m}\nspec: {image: a}\n',
    )
    expect(stderr).toContain('is that image now: nothing runs')
    expect(code).toBe(0)
  })

  test('a List, as kubectl get prints it, becomes its items', async () => {
    const item = (kind: string) =>
      `- apiVersion: substratus.ai/v1\n  kind: ${kind}\n  metadata: {name: x, uid: u}\n  spec: {image: a, model: {name: m}}\n`
    const list = `apiVersion: v1\nitems:\n${item('Model')}${item('Server')}kind: List\n`
    const { code, stdout } = await convert(list)
    expect(stdout).toBe(
      ['Model', 'ModelServer']
        .map(
          (kind) =>
            `apiVersion: substratus.ai/v1\nkind: ${kind}\nmetadata: {name: x}\nspec: {image: a, model: {name: m}}\n`,
        )
        .join('---\n'),
    )
    expect(code).toBe(0)
  })

  test('scalars mean what they mean to kubectl, and stay as they were written', async () => {
    const manifest = (env: string) =>
      `apiVersion: substratus.ai/v1
kind: Model
metadata: {name: m}
spec:
  image: a
  command: [train]
  params: {packing: yes, hour: 012, size: 1_000}
  env: {${env}}
`
    const quoted = manifest('COUNTRY: "no"')
    expect(await convert(quoted)).toMatchObject({ code: 0, stdout: quoted })
    const { code, stderr } = await convert(manifest('COUNTRY: no'))
    expect(stderr).toContain('spec.env.COUNTRY: Invalid value: must be a string, not a boolean')
    expect(code).toBe(1)
  })

  test('other objects in the file stay unchanged', async () => {
    const other = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\nstatus: {a: 1}\n'
    expect((await convert(other)).stdout).toBe(
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\nstatus: {a: 1}\n',
    )
  })
})
