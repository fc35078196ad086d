import { execFile, spawn } from 'node:child_process'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type FakeApi, fakeApi } from '../protocol/fakeapi.ts'

/** Runs kubectl-open as kubectl does. */

// A busy machine takes seconds to start a process.
vi.setConfig({ testTimeout: 60_000 })

let api: FakeApi
beforeAll(async () => {
  api = await fakeApi()
  const conditions = [
    {
      type: 'Ready',
      status: 'False',
      reason: 'Pending',
      message: 'Pod "explore-notebook-0" is starting',
    },
  ]
  api.put({ kind: 'Notebook', metadata: { name: 'explore' }, spec: {}, status: { conditions } })
})
afterAll(() => api.close())

const command = 'open/main.ts'
const env = () => ({ ...process.env, KUBECONFIG: api.kubeconfig })

describe('exit codes: 0, 1 for what cannot be opened, 2 for wrong usage', () => {
  test.each([
    { args: '--help', code: 0, says: 'Usage: kubectl open (notebook | modelserver) NAME' },
    { args: 'notebook explore --suspend', code: 0, says: 'Notebook "explore" is suspended' },
    { args: 'notebook explor', code: 1, says: 'notebooks in namespace "team": explore' },
    { args: 'nb/explore -n other', code: 1, says: 'does not exist in namespace "other"' },
    {
      args: 'nb explore --context no',
      code: 1,
      says: 'context "no" is not in the kubeconfig; it has here',
    },
    { args: 'nb explore --kubeconfig /no', code: 1, says: 'kubeconfig /no does not exist' },
    { args: '', code: 2, says: 'say what to open: kubectl open notebook NAME' },
    { args: 'explore', code: 2, says: 'kubectl open notebook explore' },
    { args: 'notebook', code: 2, says: 'say which: kubectl open notebook NAME' },
    { args: 'model falcon', code: 2, says: 'a Model cannot be opened' },
    { args: 'models falcon', code: 2, says: 'kubectl open models opens all at one address' },
    { args: 'models --suspend', code: 2, says: '--suspend is for one object' },
    { args: 'models --context no', code: 1, says: 'context "no" is not in the kubeconfig' },
    { args: 'models --kubeconfig /no', code: 1, says: 'kubeconfig /no does not exist' },
    { args: 'notebook explore --port http', code: 2, says: 'a port is 0 to 65535' },
    { args: 'notebook explore --port 65536', code: 2, says: 'a port is 0 to 65535' },
    { args: 'notebook explore --sing', code: 2, says: "unknown option '--sing'" },
    {
      args: 'notebook explore -n',
      code: 2,
      says: "option '-n, --namespace <name>' argument missing",
    },
  ])('kubectl open $args: $code', async ({ args, code, says }) => {
    const words = args.split(' ').filter(Boolean)
    const result = await new Promise<{ code: number; text: string }>((resolve) => {
      execFile(process.execPath, [command, ...words], { env: env() }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
      )
    })
    expect(result.text).toContain(says)
    expect(result.code).toBe(code)
    expect(result.text).not.toContain('    at ')
  })
})

describe('Ctrl-C', () => {
  const ends: (() => void)[] = []
  afterEach(() => {
    for (const end of ends.splice(0)) end()
  })

  const spoken = (file: string, args: readonly string[]) => {
    const child = spawn(file, args, { env: env() })
    ends.push(() => child.kill('SIGKILL'))
    let text = ''
    const add = (chunk: Buffer) => {
      text += chunk
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    const code = new Promise<number | null>((resolve) => child.on('close', resolve))
    const says = (what: string) =>
      vi.waitFor(() => expect(text).toContain(what), { timeout: 50_000, interval: 20 })
    return { child, code, says }
  }
  const waiting = 'Pending: Pod "explore-notebook-0" is starting'
  const words = ['notebook', 'explore', '--port', '0']

  test('without a terminal leaves it running', async () => {
    const { child, code, says } = spoken(process.execPath, [command, ...words])
    await says(`waiting for Notebook "explore": ${waiting}`)
    child.kill('SIGINT')
    await says('left running: kubectl open notebook explore --suspend stops it')
    expect(await code).toBe(0)
  })

  test('closes the address of all models', async () => {
    const { child, code, says } = spoken(process.execPath, [command, 'models', '--port', '0'])
    await says('there is no ModelServer yet')
    child.kill('SIGINT')
    await says('the address is closed; the models are left as they are')
    expect(await code).toBe(0)
  })

  test('ends all models even if nobody has read their address', async () => {
    const { child, code, says } = spoken(process.execPath, [command, 'models', '--port', '0'])
    child.stdout.destroy()
    await says('there is no ModelServer yet')
    child.kill('SIGINT')
    await says('the address is closed; the models are left as they are')
    expect(await code).toBe(0)
  })

  /**
   * `script` provides a terminal, where Ctrl-C is the byte 3. SIGINT goes to every process there: a shell
   * that is still running, such as dash, would end too and hide the exit code of the command.
   */
  const atTerminal = () =>
    spoken('script', [
      '--quiet',
      '--return',
      '--command',
      ['exec', process.execPath, command, ...words].join(' '),
      '/dev/null',
    ])

  test.each([
    { types: 's\r', when: 's', says: 'is suspended; its home is kept', suspend: true },
    { types: '\r', when: 'Enter', says: 'is left running', suspend: false },
    { types: '\x03', when: 'Ctrl-C again', says: 'is left running', suspend: false },
    { types: '\x04', when: 'Ctrl-D', says: 'is left running', suspend: false },
  ])('at a terminal asks; $when: $says', async ({ types, says, suspend }) => {
    const stored = api.get('Notebook', 'explore')
    if (stored) api.put({ ...stored, spec: {} })
    const { child, code, says: shows } = atTerminal()
    await shows(waiting)
    child.stdin.write('\x03')
    await shows('Suspend Notebook "explore" (its home is kept), or leave it running? [s/L] ')
    child.stdin.write(types)
    await shows(says)
    expect(await code).toBe(0)
    expect(api.get('Notebook', 'explore')?.spec).toEqual(suspend ? { suspend } : {})
  })
})
