import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

/** A command as a person types it. */
const typed = (program: string, args: readonly string[], input = '') =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
    child.stdin?.end(input)
  })
const substratus = (args: readonly string[], input = '') => typed('cli/main.ts', args, input)

const model = (spec: object, name = 'm') =>
  JSON.stringify({ apiVersion: 'substratus.ai/v1', kind: 'Model', metadata: { name }, spec })

/** The exit code of a command whose output nobody reads, as before `| true`. */
function unread(program: string, args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  child.stderr.destroy()
  return new Promise((resolve) => child.on('close', resolve))
}

/** Adds the arguments as one line, for the title. */
const asTyped = <Row extends { readonly args: readonly string[] }>(row: Row) => ({
  ...row,
  line: row.args.join(' '),
})

describe('exit codes: 0, 1 for refused input, 2 for wrong usage', () => {
  test.each(
    [
      { args: ['--help'], code: 0 },
      { args: ['serve', '--help'], code: 0 },
      { args: ['render', '--help'], code: 0 },
      { args: ['validate', '--help'], code: 0 },
      { args: ['controllers', '--help'], code: 0 },
      { args: [], code: 2 },
      { args: ['sing'], code: 2 },
      { args: ['validate'], code: 2 },
      { args: ['serve'], code: 2 },
      { args: ['serve', '--http', 'nowhere'], code: 2 },
      { args: ['serve', '--https', '127.0.0.1:0'], code: 2 },
      { args: ['gateway', '--help'], code: 0 },
      { args: ['token', '--help'], code: 0 },
      { args: ['token'], code: 2 },
      { args: ['token', 'app', '--hours', 'x'], code: 2 },
      { args: ['ui', '--help'], code: 0 },
      { args: ['ui', '--port', 'http'], code: 2 },
      { args: ['ui', 'model'], code: 2 },
      { args: ['gateway', '--http', '127.0.0.1:0'], code: 2 },
      { args: ['gateway', '--http', 'nowhere', '--kubeconfig', 'a'], code: 2 },
      { args: ['gateway', '--https', '127.0.0.1:0', '--kubeconfig', 'a'], code: 2 },
      { args: ['gateway', '--http', ':0', '--kubeconfig', 'a', '--per-model', 'x'], code: 2 },
      { args: ['controllers', '--url', 'nowhere'], code: 2 },
      { args: ['controllers', '--url', 'http://a', '--token-secret', 'hooks'], code: 2 },
    ].map(asTyped),
  )('substratus $line: $code', async ({ args, code }) => {
    const result = await substratus(args)
    expect(result.code).toBe(code)
    expect(result.stdout + result.stderr).not.toBe('')
    expect(result.stderr).not.toContain('    at ')
  })

  test.each(
    [
      {
        args: ['validate', '-f', 'nowhere.yaml'],
        code: 1,
        says: 'error: the path "nowhere.yaml" does not exist\n',
      },
      {
        args: ['render', '-f', 'examples', '--config', 'nowhere.yaml'],
        code: 1,
        says: 'error: the path "nowhere.yaml" does not exist\n',
      },
      {
        args: ['render', '-f', 'examples', '--config', 'examples'],
        code: 1,
        says: 'is a folder, not a file\n',
      },
      {
        args: ['serve', '--http', '127.0.0.1:65536'],
        code: 2,
        says: 'error: no port "65536": ports end at 65535\nadd --help to see the usage\n',
      },
      {
        args: ['serve', '--http', '192.0.2.1:0'],
        code: 1,
        says: 'error: 192.0.2.1 is no address of this machine\n',
      },
      {
        args: ['token', 'app', '--hours', 'x'],
        code: 2,
        says: 'error: --hours must be a number above 0\nadd --help to see the usage\n',
      },
    ].map(asTyped),
  )('substratus $line: $says', async ({ args, code, says }) => {
    const result = await substratus(args)
    expect(result.stderr).toContain(says)
    expect(result.code).toBe(code)
  })
})

test.each(
  [
    { args: ['render', '-f', 'examples'], code: 0 },
    { args: ['validate', '-f', 'test/commands/bad-config.yaml'], code: 1 },
    { args: ['sing'], code: 2 },
  ].map(asTyped),
)('substratus $line: $code, even if nobody reads the output', async ({ args, code }) => {
  expect(await unread('cli/main.ts', args)).toBe(code)
})

test.each([{ args: ['tre'] }, { args: ['tree', '-o', 'svg'] }, { args: ['token'] }].map(asTyped))(
  'the error of substratus $line is not buried in the help',
  async ({ args }) => {
    const { stderr } = await substratus(args)
    expect(stderr).toMatch(/^error: /)
    expect(stderr).toMatch(/\nadd --help to see the usage\n$/)
    expect(stderr).not.toContain('Options:')
  },
)

test('the help says what is for looking, for acting and for the chart', async () => {
  const { stdout } = await substratus(['--help'])
  const groups = stdout.split('\n\n').map((part) =>
    part
      .split('\n')
      .filter((line) => !line.startsWith('    '))
      .map((line) => line.trim().split(' ')[0]),
  )
  expect(groups).toContainEqual(['Look:', 'tree', 'why', 'logs', 'watch', 'ui'])
  expect(groups).toContainEqual(['Act:', 'rerun', 'suspend', 'resume', 'rollout', 'open', 'token'])
  expect(stdout).not.toContain('Commands:')
})

test.each(['cli/main.ts', 'open/main.ts'])(
  '%s --version prints that of the package',
  async (program) => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(await typed(program, ['--version'])).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    })
  },
)

describe('npm run up and npm run down', () => {
  test.each(
    [
      { args: ['up', '--help'], code: 0, says: 'Usage: npm run up -- [options]' },
      { args: ['down', '--help'], code: 0, says: 'Usage: npm run down -- [options]' },
      { args: ['up', '--nodes', 'two'], code: 2, says: 'it must be a whole number from 1 to 100.' },
      { args: ['up', '--nodes', '0'], code: 2, says: 'it must be a whole number from 1 to 100.' },
    ].map(asTyped),
  )('platform/main.ts $line: $says', async ({ args, code, says }) => {
    const result = await typed('platform/main.ts', args)
    expect(result.stdout + result.stderr).toContain(says)
    expect(result.code).toBe(code)
  })

  test('are not commands of substratus', async () => {
    expect((await substratus(['up'])).stderr).toContain("error: unknown command 'up'")
  })
})

test.each([
  { program: 'cli/main.ts', says: 'Usage: substratus [options]' },
  { program: 'open/main.ts', says: 'Usage: kubectl open ' },
])(
  '$program continues on the Node of the checkout if yours is too old',
  async ({ program, says }) => {
    const old =
      "data:text/javascript,Object.defineProperty(process, 'versions', {value: {...process.versions, node: '20.20.2'}})"
    const { code, stdout } = await typed('--import', [old, program, '--help'])
    expect(stdout).toContain(says)
    expect(code).toBe(0)
  },
)

describe('validate reports what admission would', () => {
  test('for a valid object', async () => {
    const { code, stdout } = await substratus(
      ['validate', '-f', '-'],
      model({ image: 'example.com/m' }),
    )
    expect(stdout).toBe('valid: stdin: Model "m"\n')
    expect(code).toBe(0)
  })

  test('for an invalid object: file, kind, name and field', async () => {
    const { code, stdout } = await substratus(
      ['validate', '-f', '-'],
      model({ image: 'example.com/m', resources: { memory: '10' } }),
    )
    expect(stdout).toBe(
      'error: stdin: Model "m": spec.resources.memory: Invalid value: "10" would be 10 bytes: write 10 without quotes for gibibytes, or "10Gi"\n',
    )
    expect(code).toBe(1)
  })

  test('for a reference to an object that is not given: a warning', async () => {
    const { code, stdout } = await substratus(
      ['validate', '-f', '-'],
      model({ image: 'example.com/m', dataset: { name: 'squad' } }),
    )
    expect(stdout).toContain('warning: stdin: Model "m": spec.dataset.name: Not found: "squad"')
    expect(code).toBe(0)
  })

  test.each(
    [
      { args: ['-f', 'BAD', '-f', 'examples/01-import-and-serve.yaml'] },
      { args: ['-f', 'BAD', 'examples/01-import-and-serve.yaml'] },
    ].map(asTyped),
  )('for all the files of $line', async ({ args }) => {
    const { code, stdout } = await substratus(
      ['validate', ...args.map((arg) => (arg === 'BAD' ? '-' : arg))],
      model({ image: 'example.com/m', resources: { memory: '10' } }),
    )
    expect(stdout).toContain('error: stdin: Model "m": spec.resources.memory: ')
    expect(stdout).toContain('valid: examples/01-import-and-serve.yaml: Model "smollm"')
    expect(code).toBe(1)
  })

  test('for merge keys and scalars as kubectl reads them', async () => {
    const notebook = (spec: string) =>
      `apiVersion: substratus.ai/v1\nkind: Notebook\nmetadata: {name: explore}\nspec:\n  ${spec}\n`
    const merged = 'resources: {<<: &common {memory: 24, gpu: {count: 1}}, disk: 30}'
    const { stdout } = await substratus(
      ['validate', '-f', '-'],
      [merged, 'suspend: off', 'env: {USE_LORA: on}'].map(notebook).join('---\n'),
    )
    expect(stdout.replaceAll('stdin: Notebook "explore"', 'n').trim().split('\n')).toEqual([
      'valid: n',
      'valid: n',
      'error: n: spec.env.USE_LORA: Invalid value: must be a string, not a boolean: write it in quotes',
    ])
  })

  test('for invalid YAML', async () => {
    const { code, stdout } = await substratus(['validate', '-f', '-'], '{')
    expect(stdout).toContain('error: stdin: ')
    expect(code).toBe(1)
  })
})

describe('render prints children', () => {
  test('of every stage', async () => {
    const { code, stdout, stderr } = await substratus(['render', '-f', 'examples'])
    expect(stderr).toBe('')
    for (const stage of ['build', 'run', 'package'])
      expect(stdout).toContain(`writer-model-${stage}-`)
    expect(stdout).toContain('kind: Deployment')
    expect(code).toBe(0)
  })

  test('and warns of those that wait for objects outside the files', async () => {
    const { code, stderr } = await substratus([
      'render',
      '-f',
      'examples/05-finetune-and-serve.yaml',
    ])
    expect(stderr.trim().split('\n')).toEqual([
      'warning: Model "writer": incomplete: Dataset "english" does not exist in this namespace',
      'warning: Model "writer-k8s": incomplete: waiting for Model "writer": ReferenceMissing',
      'warning: ModelServer "writer-k8s": incomplete: waiting for Model "writer-k8s": Waiting',
    ])
    expect(code).toBe(0)
  })

  test('of the first sync only', async () => {
    const { stdout } = await substratus([
      'render',
      '--now',
      '-f',
      'examples/05-finetune-and-serve.yaml',
    ])
    expect(stdout).toContain('writer-model-build-')
    expect(stdout).not.toContain('writer-model-run-')
    expect(stdout).toContain('# ModelServer "writer-k8s" has no children: waiting for Model')
  })

  test('with scalars as kubectl reads them, and strings that it reads as strings', async () => {
    const { stdout } = await substratus(
      ['render', '-f', '-'],
      model({ image: 'example.com/m', command: ['x'], params: { hour: 0, country: 'no' } }).replace(
        '"hour":0',
        '"hour":012',
      ),
    )
    expect(stdout).toMatch(/- name: PARAM_COUNTRY\n +value: "no"\n/)
    expect(stdout).toMatch(/- name: PARAM_HOUR\n +value: "10"\n/)
  })

  test('in the same form each time', async () => {
    const once = await substratus(['render', '-f', 'examples'])
    expect(await substratus(['render', '-f', 'examples'])).toEqual(once)
  })
})

test('controllers prints a CompositeController for each kind', async () => {
  const { stdout } = await substratus(['controllers', '--url', 'http://10.0.0.1:8080/'])
  expect(stdout.match(/^kind: CompositeController$/gm)).toHaveLength(4)
  expect(stdout).toContain('url: http://10.0.0.1:8080/hooks/models/sync')
})

test('controllers --token-secret sets the Secret of the token in each of the eight hooks', async () => {
  const { stdout } = await substratus([
    ...['controllers', '--url', 'http://10.0.0.1:8080'],
    ...['--token-secret', 'team/hooks'],
    ...['--revision', '2'],
  ])
  expect(stdout.match(/^ +key: token$/gm)).toHaveLength(8)
  expect(stdout.match(/sync\?revision=2$/gm)).toHaveLength(4)
  expect(stdout.match(/^ +namespace: team\n +name: hooks$/gm)).toHaveLength(8)
})

test('serve responds, and drains on SIGTERM', async () => {
  const child = spawn(process.execPath, ['cli/main.ts', 'serve', '--http', '127.0.0.1:0'])
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk
  })
  while (!log.includes('"url"')) await once(child.stderr, 'data')
  const url = /"url":"([^"]+)"/.exec(log)?.[1]
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  const answer = await fetch(`${url}/hooks/models/sync`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"parent":${model({ image: 'example.com/m' }, 'logged')}}`,
  })
  expect(answer.status).toBe(200)
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
  // One line per request, with facts as fields and without bodies.
  const line = log.split('\n').find((found) => found.includes('/hooks/models/sync')) ?? '{}'
  expect(JSON.parse(line)).toMatchObject({
    code: 200,
    kind: 'Model',
    name: 'logged',
    stage: 'Done',
  })
  expect(log).not.toContain('example.com')
})

test('an invalid configuration stops the start, and the error names its path and the reason', async () => {
  const { code, stderr } = await substratus([
    'validate',
    '-f',
    'examples',
    '--config',
    'test/commands/bad-config.yaml',
  ])
  expect(stderr).toContain(
    'test/commands/bad-config.yaml: storage.driver: Unsupported value: "tape"',
  )
  expect(code).toBe(1)
})
