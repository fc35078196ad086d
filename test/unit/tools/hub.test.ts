import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { omittedIn } from '../../../tools/hub.ts'
import { receiver } from '../../receiver.ts'

/** hub.py, with a stand-in for the hub's client; the node tier runs it with the real one. */

/** Calls a function of hubfiles.py. */
const called = (name: string, ...args: readonly unknown[]): unknown =>
  JSON.parse(
    execFileSync(
      'python3',
      [
        '-c',
        `import json, sys; sys.path.insert(0, "tools"); sys.dont_write_bytecode = True; import hubfiles
result = hubfiles.${name}(*json.loads(sys.argv[1]))
print(json.dumps(sorted(result) if isinstance(result, set) else result))`,
        JSON.stringify(args),
      ],
      { encoding: 'utf8' },
    ),
  )

describe('of a Model on the hub, without spec.files', () => {
  test.each([
    {
      what: 'older weights of PyTorch beside safetensors are left out',
      names: ['config.json', 'model.safetensors', 'pytorch_model.bin', 'training_args.bin'],
      left: ['pytorch_model.bin'],
    },
    {
      what: 'so are their parts and the index of these',
      names: [
        'model-00001-of-00002.safetensors',
        'model-00002-of-00002.safetensors',
        'model.safetensors.index.json',
        'pytorch_model-00001-of-00002.bin',
        'pytorch_model-00002-of-00002.bin',
        'pytorch_model.bin.index.json',
      ],
      left: [
        'pytorch_model-00001-of-00002.bin',
        'pytorch_model-00002-of-00002.bin',
        'pytorch_model.bin.index.json',
      ],
    },
    {
      what: 'other frameworks are left out',
      names: [
        'model.safetensors',
        'tf_model.h5',
        'flax_model.msgpack',
        'rust_model.ot',
        'model.onnx',
        'onnx/model.onnx',
        'onnx/config.json',
        'openvino/openvino_model.xml',
        'openvino/openvino_model.bin',
        'coreml/text/model.mlpackage/Data/weights/weight.bin',
        'model.gguf',
      ],
      left: [
        'coreml/text/model.mlpackage/Data/weights/weight.bin',
        'flax_model.msgpack',
        'model.gguf',
        'model.onnx',
        'onnx/config.json',
        'onnx/model.onnx',
        'openvino/openvino_model.bin',
        'openvino/openvino_model.xml',
        'rust_model.ot',
        'tf_model.h5',
      ],
    },
    {
      what: 'the vendor’s own format is left out',
      names: [
        'model-00001-of-00001.safetensors',
        'consolidated-00001-of-00001.safetensors',
        'consolidated.safetensors.index.json',
        'original/consolidated.00.pth',
        'original/params.json',
        'params.json',
        'tokenizer.model',
      ],
      left: [
        'consolidated-00001-of-00001.safetensors',
        'consolidated.safetensors.index.json',
        'original/consolidated.00.pth',
        'original/params.json',
      ],
    },
    {
      what: 'a checkpoint with the name of the safetensors is left out',
      names: ['v1-5-pruned.ckpt', 'v1-5-pruned.safetensors', 'other.ckpt'],
      left: ['v1-5-pruned.ckpt'],
    },
    {
      what: 'each folder is decided by its own safetensors',
      names: [
        'model.safetensors',
        'pytorch_model.bin',
        '2_Dense/pytorch_model.bin',
        '2_Dense/config.json',
        'unet/diffusion_pytorch_model.bin',
        'unet/diffusion_pytorch_model.safetensors',
      ],
      left: ['pytorch_model.bin', 'unet/diffusion_pytorch_model.bin'],
    },
    {
      what: 'nothing is left out where there are no safetensors',
      names: ['pytorch_model.bin', 'tf_model.h5', 'onnx/model.onnx', 'original/x.pth', 'a.gguf'],
      left: [],
    },
    {
      what: 'an adapter stands for no model',
      names: ['adapter_model.safetensors', 'adapter_model.bin', 'pytorch_model.bin'],
      left: ['adapter_model.bin'],
    },
    {
      what: 'Mistral’s format alone is loaded',
      names: ['consolidated.safetensors', 'params.json', 'tekken.json'],
      left: [],
    },
  ])('$what', ({ names, left }) => {
    expect(called('copies', names)).toEqual(left)
  })
})

describe('hub.py', () => {
  let home: string
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'substratus-hub-'))
    mkdirSync(join(home, 'huggingface_hub'))
    writeFileSync(
      join(home, 'huggingface_hub', '__init__.py'),
      `
import hashlib, json, os, time, types
class HfApi:
    def repo_info(self, *_, **__):
        one = lambda name: types.SimpleNamespace(rfilename=name, size=len(name), lfs=None,
            blob_id=hashlib.sha1(b"blob %d\\0" % len(name) + name.encode()).hexdigest())
        return types.SimpleNamespace(sha="0123", siblings=[one(name) for name in json.loads(os.environ["NAMES"])])
def snapshot_download(*_, local_dir, allow_patterns=None, ignore_patterns=None, **__):
    from fnmatch import fnmatchcase
    time.sleep(float(os.environ.get("PAUSE", "0")))
    is_match = lambda name, one: fnmatchcase(name, one + "*" if one.endswith("/") else one)
    for name in json.loads(os.environ["NAMES"]):
        if allow_patterns and not any(is_match(name, one) for one in allow_patterns): continue
        if any(is_match(name, one) for one in ignore_patterns or []): continue
        os.makedirs(os.path.dirname(os.path.join(local_dir, name)), exist_ok=True)
        open(os.path.join(local_dir, name), "w").write(name)
`,
    )
    writeFileSync(
      join(home, 'huggingface_hub', 'errors.py'),
      'class RepositoryNotFoundError(Exception): pass\nclass RevisionNotFoundError(Exception): pass\n',
    )
  })
  afterEach(() => rmSync(home, { recursive: true }))

  const environment = (names: readonly string[]) => ({
    ...process.env,
    PYTHONPATH: home,
    PYTHONDONTWRITEBYTECODE: '1',
    NAMES: JSON.stringify(names),
  })

  function loaded(kind: string, names: readonly string[], patterns: readonly string[]) {
    const into = join(home, 'into')
    const args = ['tools/hub.py', kind, 'org/it', 'main', into, ...patterns]
    const env = environment(names)
    const { status, stdout, stderr } = spawnSync('python3', args, { env, encoding: 'utf8' })
    const found = status === 0 ? execFileSync('find', ['.', '-type', 'f'], { cwd: into }) : ''
    const files = String(found).split('\n').filter(Boolean)
    return {
      files: files.map((file) => file.slice(2)).sort(),
      omitted: omittedIn(stdout),
      error: status === 0 ? '' : stderr.trim(),
    }
  }

  const names = [
    'config.json',
    'model.safetensors',
    'pytorch_model.bin',
    'q4_k.gguf',
    'q8[1].gguf',
    'original/model.pth',
  ]
  test.each([
    {
      what: 'of a model leaves out copies and counts them',
      kind: 'model',
      patterns: [],
      files: ['config.json', 'model.safetensors'],
      omitted: { files: 4, bytes: 54 },
    },
    { what: 'of a dataset loads all', kind: 'dataset', patterns: [], files: [...names].sort() },
    { what: 'loads all with "*"', kind: 'model', patterns: ['*'], files: [...names].sort() },
    { what: 'loads one file', kind: 'model', patterns: ['*q4_k.gguf'], files: ['q4_k.gguf'] },
    {
      what: 'loads what patterns choose, but not what "!" excludes',
      kind: 'model',
      patterns: ['!*.bin', '!original/', '*model*', '*.json'],
      files: ['config.json', 'model.safetensors'],
    },
    {
      what: 'loads all but what "!" excludes, if no pattern chooses',
      kind: 'model',
      patterns: ['!*.gguf', '!nothing'],
      files: ['config.json', 'model.safetensors', 'original/model.pth', 'pytorch_model.bin'],
    },
  ])('$what', ({ kind, patterns, files, omitted }) => {
    expect(loaded(kind, names, patterns)).toEqual({ files, omitted, error: '' })
  })

  test.each([
    {
      what: 'a pattern that matches nothing',
      patterns: ['*.json', '*.GGUF'],
      error:
        'spec.files: no file of org/it matches "*.GGUF": it has config.json, model.safetensors, pytorch_model.bin, q4_k.gguf, q8[1].gguf, original/model.pth',
    },
    {
      what: 'patterns that leave nothing',
      patterns: ['*.json', '!config.*'],
      error: 'spec.files: every file of org/it is excluded',
    },
  ])('refuses $what', ({ patterns, error }) => {
    expect(loaded('model', names, patterns).error).toBe(error)
  })

  test('reports how many bytes have arrived of those that it loads, and all of them at the end', async () => {
    const { listener, heard } = receiver()
    const server = createServer(listener)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    try {
      const { port } = server.address() as AddressInfo
      const address = `http://127.0.0.1:${port}/progress`
      const args = ['tools/hub.py', 'model', 'org/it', 'main', join(home, 'into'), '*.json']
      const env = { ...environment(names), SUBSTRATUS_PROGRESS_URL: address, PAUSE: '2' }
      await promisify(execFile)('python3', args, { env })
      const of = 'config.json'.length
      expect(heard).toEqual([
        { step: 0, of },
        { step: of, of },
      ])
    } finally {
      server.close()
    }
  })

  describe('loads, though its reports', () => {
    let listener: Server
    afterEach(() => listener?.close())

    test.each([
      { what: 'have an address that cannot be', address: () => 'http://a:b/x' },
      {
        what: 'are answered in another protocol',
        address: async () => {
          listener = createTcpServer((socket) => socket.on('error', () => {}).end('220 mail\r\n'))
          await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done))
          return `http://127.0.0.1:${(listener.address() as AddressInfo).port}/`
        },
      },
      { what: 'go to a name that no name server answers', address: () => 'http://silent.test/' },
    ])('$what', async ({ address }) => {
      // The search for a host takes 20 s in the stand-in.
      writeFileSync(
        join(home, 'sitecustomize.py'),
        'import socket, time\nnumbers = socket.getaddrinfo\n' +
          'socket.getaddrinfo = lambda host, *rest, **more: (numbers(host, *rest, **more)\n' +
          '    if host[0].isdigit() else time.sleep(20))\n',
      )
      const args = ['tools/hub.py', 'model', 'org/it', 'main', join(home, 'into')]
      const env = { ...environment(['config.json']), SUBSTRATUS_PROGRESS_URL: await address() }
      const began = performance.now()
      const { stdout, stderr } = await promisify(execFile)('python3', args, { env })
      expect(stdout).toContain('1 files, all as the hub has them')
      expect(stderr).toBe('')
      expect(performance.now() - began).toBeLessThan(15_000)
    })
  })
})

test.each([
  {
    what: 'what was left out',
    stdout: '5 files\n{"omitted": {"files": 2, "bytes": 10}}\n',
    omitted: { files: 2, bytes: 10 },
  },
  { what: 'nothing left out', stdout: '5 files\n{"omitted": {"files": 0, "bytes": 0}}\n' },
  { what: 'no count', stdout: '5 files\n' },
])('the loader reads $what from the output of hub.py', ({ stdout, omitted }) => {
  expect(omittedIn(stdout)).toEqual(omitted)
})
