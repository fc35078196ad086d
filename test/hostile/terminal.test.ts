import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { browserCommand } from '../../open/address.ts'
import { tableLines } from '../../terminal/table.ts'
import { validate } from '../../webhooks/review.ts'
import {
  aConfig,
  aJob,
  aModel,
  aNotebook,
  aPod,
  applied,
  completed,
  digest,
  ended,
  mistyped,
  readyOf,
  statusOf,
  stored,
  sync,
  theChild,
} from '../objects.ts'
import type { Stored } from '../protocol/fakeapi.ts'
import {
  api,
  controlledBy,
  listening,
  notebook,
  person,
  pod,
  serving,
  soon,
  statefulSet,
  withApi,
} from '../protocol/person.ts'

/**
 * Attacks on a person's terminal and browser by a hostile Pod: its image may report anything, and anyone
 * who may create Pods may plant one.
 */

withApi()

/** Each Pod is a server that answers with its name. */
async function serversOf(...names: readonly string[]) {
  const ports = new Map<string, number>()
  for (const name of names) {
    const server = createServer((_, response) => response.end(name))
    ports.set(name, await listening(server))
  }
  api.backend = (name) => ports.get(name) ?? 1
}

/** What the notebook's container returns when Jupyter's runtime file is read. */
const says = (out: string) => {
  api.exec = () => ({ out, code: 0 })
}
const jupyter = { token: 'abc', base_url: '/', secure: false, port: 8888 }

/** What a terminal interprets, and what reorders or hides text. */
const obeyed = /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\u200b\u2060\ufeff]/u
const escapes =
  '\x1b[2J\x1b[31m\x1b]0;title\x07\x9b1mroot\u202etxt.exe\u2066\u200f\u061c\u2028x\u200b\ufeff\r'

describe('the browser opens the forwarded port, whatever the Pod reports', () => {
  test.each([
    ['file:///etc/passwd', '/'],
    ['javascript:alert(document.domain)', '/'],
    ['data:text/html,x', '/'],
    ['https://evil.example/', '/'],
    ['//evil.example/', '/'],
    ['/\\evil.example/', '/'],
    ['\\\\evil.example\\share', '/'],
    ['/..//evil.example/', '/'],
    ['/\u2028//evil.example/', '/'],
    ['/\t/evil.example/', '/'],
    [' /lab', '/'],
    ['@evil.example/', '/'],
    ['/lab\x1b]0;x\x07', '/'],
    ['/a" & calc.exe & "', '/a%22%20%26%20calc.exe%20%26%20%22'],
    ["/$(id)`id`;'x'|^%PATH%", '/%24%28id%29%60id%60%3B%27x%27%7C%5E%25PATH%25'],
    ['/?next=//evil.example', '/'],
    ['/?a#b', '/%3Fa%23b'],
    ['/user/me%40x/', '/user/me%40x/'],
  ])('base_url %j is taken as %s', async (base_url, path) => {
    await serversOf('explore-notebook-0')
    says(JSON.stringify({ ...jupyter, base_url }))
    api.put(notebook({}, serving), pod('p1'))
    const { printed } = person()
    await soon(() => expect(printed).toHaveLength(1))
    const { origin, pathname } = new URL(printed[0] ?? '')
    expect(origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(pathname).toBe(path)
    expect(await (await fetch(printed[0] ?? '')).text()).toBe('explore-notebook-0')
  })

  test.each([
    { what: 'a list', value: ['x'] },
    { what: 'an object', value: { toString: 'x' } },
    { what: 'null', value: null },
  ])('base_url and token are ignored when each is $what', async ({ value }) => {
    await serversOf('explore-notebook-0')
    says(JSON.stringify({ ...jupyter, base_url: value, token: value }))
    api.put(notebook({}, serving), pod('p1'))
    const { printed, browsed } = person()
    await soon(() => expect(printed).toHaveLength(1))
    const { pathname, search } = new URL(printed[0] ?? '')
    expect([pathname, search]).toEqual(['/', ''])
    expect(browsed).toEqual([])
  })

  test('the address is plain HTTP, even if the Pod reports another scheme', async () => {
    await serversOf('explore-notebook-0')
    says(JSON.stringify({ ...jupyter, secure: true }))
    api.put(notebook({}, serving), pod('p1'))
    const { printed } = person()
    await soon(() => expect(printed[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=abc$/))
  })

  test.each([
    ['" & calc.exe & "', '?token=%22+%26+calc.exe+%26+%22'],
    ['a\r\nSet-Cookie: x=y', ''],
    ['a\x1b[2Jb', ''],
  ])('token %j is taken as "%s"', async (token, is) => {
    await serversOf('explore-notebook-0')
    says(JSON.stringify({ ...jupyter, token }))
    api.put(notebook({}, serving), pod('p1'))
    const { printed, browsed } = person()
    await soon(() => expect(printed).toHaveLength(1))
    expect(new URL(printed[0] ?? '').search).toBe(is)
    expect(browsed).toEqual([])
  })

  test('a base_url or token that is too long is ignored', async () => {
    await serversOf('explore-notebook-0')
    const long = 'a'.repeat(5000)
    says(JSON.stringify({ ...jupyter, base_url: `/${long}`, token: long }))
    api.put(notebook({}, serving), pod('p1'))
    const { printed } = person()
    await soon(() => expect(printed[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/))
  })

  test('the address for the browser contains nothing that a shell would interpret', async () => {
    await serversOf('explore-notebook-0')
    says(JSON.stringify({ ...jupyter, token: '', base_url: "/;$(id)&'|" }))
    api.put(notebook({}, serving), pod('p1'))
    const { browsed } = person({ browser: true })
    await soon(() => expect(browsed).toHaveLength(1))
    expect(browsed[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w/.%-]*$/)
  })
})

describe('the program that starts the browser', () => {
  test.each([
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://127.0.0.1:8888/',
    'http://127.0.0.1.evil.example:8888/',
    'http://127.0.0.1:8888@evil.example/',
    'http://127.0.0.1:8888/&calc.exe',
    'http://127.0.0.1:8888/^&calc.exe',
    'http://127.0.0.1:8888/"x',
    'http://127.0.0.1:8888/\nfile:///x',
    '--version',
    '',
  ])('is not started for %j', (address) => {
    for (const platform of ['linux', 'darwin', 'win32'])
      expect(() => browserCommand(platform, address)).toThrow('only an address of a local port')
  })

  test.each(['linux', 'darwin', 'win32'])('is not a shell on %s', (platform) => {
    const address = 'http://127.0.0.1:8888/x'
    const [program, ...args] = browserCommand(platform, address, { SystemRoot: 'C:\\Windows' })
    expect(program).not.toMatch(/cmd|powershell|sh$/i)
    expect(args.at(-1)).toBe(address)
  })
})

describe('a response that never ends', () => {
  test.each([
    { what: 'in one piece', out: 'x'.repeat(300_000) },
    { what: 'in many', out: Array.from({ length: 40 }, () => 'x'.repeat(32 * 1024)) },
  ])('$what, is read up to 64 KiB', async ({ out }) => {
    await serversOf('explore-notebook-0')
    api.exec = () => ({ out, code: undefined })
    api.put(notebook({}, serving), pod('p1'))
    const { messages, printed } = person()
    await soon(() => expect(messages).toHaveLength(1))
    expect(messages[0]).toMatch(
      /Pod "explore-notebook-0" cannot be reached: .*(more than 65536 bytes|ended early)$/,
    )
    expect(printed).toEqual([])
  })
})

describe('a planted Pod, with all the labels of a notebook, is never opened', () => {
  const planted = (more: object = {}) =>
    pod('evil', { creationTimestamp: '2027-01-01T00:00:00Z', ...more })

  test.each([
    { what: 'that nobody controls', more: { ownerReferences: [] } },
    {
      what: 'that another StatefulSet controls',
      more: controlledBy('StatefulSet', 'evil', 'set2'),
    },
    {
      what: 'that claims a StatefulSet which is another now',
      more: controlledBy('StatefulSet', 'explore-notebook', 'set0'),
    },
    {
      what: 'that claims the StatefulSet’s name for another kind',
      more: controlledBy('ReplicaSet', 'explore-notebook', 'set1'),
    },
    {
      what: 'that claims an owner which does not control it',
      more: {
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'explore-notebook', uid: 'set1' },
        ],
      },
    },
  ])('$what', async ({ more }) => {
    await serversOf('explore-notebook-0')
    says(JSON.stringify(jupyter))
    api.put(notebook({}, serving), planted(more))
    const { messages, printed } = person()
    await soon(() => expect(messages).toHaveLength(1))
    expect(messages[0]).toBe(
      'note: Pod "explore-notebook-0" has the labels of Notebook "explore" but is not its own, so it is ignored: kubectl describe pod explore-notebook-0 names its owner',
    )
    // The real Pod appears, and is opened.
    api.put(pod('p1'))
    await soon(() => expect(printed).toHaveLength(1))
    expect(api.requests.filter((line) => line.includes('/exec'))).toHaveLength(1)
  })

  test('with another name, beside the real one', async () => {
    await serversOf('explore-notebook-0', 'explore-notebook-1')
    says(JSON.stringify(jupyter))
    const real = pod('p1', { creationTimestamp: '2026-01-01T00:00:00Z' })
    api.put(notebook({}, serving), real, planted({ name: 'explore-notebook-1' }))
    const { printed } = person()
    await soon(() => expect(printed).toHaveLength(1))
    expect(await (await fetch(printed[0] ?? '')).text()).toBe('explore-notebook-0')
    expect(api.requests.join()).not.toContain('explore-notebook-1/')
  })

  test('of a StatefulSet that belongs to another Notebook', async () => {
    await serversOf('explore-notebook-0')
    says(JSON.stringify(jupyter))
    const others = { ...statefulSet.metadata, ...controlledBy('Notebook', 'explore', 'n2') }
    api.put({ ...statefulSet, metadata: others }, notebook({}, serving), pod('p1'))
    const { messages, printed } = person()
    await soon(() => expect(messages[0]).toContain('is not its own'))
    expect(printed).toEqual([])
  })

  test('beside the replicas of a server', async () => {
    await serversOf('chat-real', 'chat-evil')
    const replica = (name: string, created: string, controller: object): Stored => ({
      ...pod(name, { name, creationTimestamp: created, ...controller }),
      spec: { containers: [{ name: 'server', ports: [{ name: 'http', containerPort: 8080 }] }] },
    })
    const controlled = (kind: string, name: string, uid: string, by: object): Stored => ({
      kind,
      metadata: { name, uid, ...by },
    })
    api.put(
      controlled('Deployment', 'chat-server', 'd1', controlledBy('ModelServer', 'chat', 's1')),
      controlled(
        'ReplicaSet',
        'chat-server-5f',
        'r1',
        controlledBy('Deployment', 'chat-server', 'd1'),
      ),
      controlled('ReplicaSet', 'chat-server-evil', 'r2', { ownerReferences: [] }),
      {
        ...notebook({ model: { name: 'm' } }, 'True Serving 1 of 1 replicas available'),
        kind: 'ModelServer',
        metadata: { name: 'chat', uid: 's1' },
      },
      replica(
        'chat-real',
        '2026-01-01T00:00:00Z',
        controlledBy('ReplicaSet', 'chat-server-5f', 'r1'),
      ),
      replica(
        'chat-evil',
        '2027-01-01T00:00:00Z',
        controlledBy('ReplicaSet', 'chat-server-evil', 'r2'),
      ),
    )
    const { printed } = person({ words: ['mserver/chat'] })
    await soon(() => expect(printed).toHaveLength(1))
    expect(await (await fetch(printed[0] ?? '')).text()).toBe('chat-real')
  })

  test('without the right to read StatefulSets, names are compared', async () => {
    await serversOf('explore-notebook-0')
    says(JSON.stringify(jupyter))
    api.refusals.set('/statefulsets/', { code: 403, message: 'statefulsets.apps is forbidden' })
    api.put(notebook({}, serving), planted(controlledBy('StatefulSet', 'evil', 'set2')))
    const { messages, printed } = person()
    await soon(() => expect(messages[0]).toContain('is not its own'))
    api.put(pod('p1'))
    await soon(() => expect(printed).toHaveLength(1))
  })
})

describe('no escape sequence from the cluster reaches the terminal', () => {
  /** Everything that reaches the terminal, as it is written. */
  const seen = ({ messages, printed }: ReturnType<typeof person>) =>
    [...messages, ...printed].join('\n')

  test('in the progress of kubectl open', async () => {
    api.put(notebook({}, `False CrashLooping container "x" exited with 1: ${escapes}`))
    const one = person()
    await soon(() => expect(one.messages).toHaveLength(1))
    expect(seen(one)).toMatch(/^waiting for Notebook "explore": CrashLooping: container "x" exited/)
    expect(seen(one)).not.toMatch(obeyed)
  })

  test('in its last error, which stays one line', async () => {
    const forged = 'x\nhttp://127.0.0.1:1/ is open in your browser'
    api.put(notebook({}, `False Failed ${forged}${escapes}`))
    const one = person()
    expect(await one.code).toBe(1)
    expect(one.messages).toHaveLength(1)
    expect(one.messages[0]).toMatch(/^error: .* cannot be opened: Failed: x http:/)
    expect(seen(one)).not.toMatch(obeyed)
  })

  test('in a note about an older spec', async () => {
    await serversOf('explore-notebook-0')
    says(JSON.stringify(jupyter))
    api.put(notebook({}, `True UpdatePending ${escapes}\nCtrl-C`), pod('p1'))
    const one = person()
    await soon(() => expect(one.printed).toHaveLength(1))
    expect(one.messages).toHaveLength(2)
    expect(seen(one)).not.toMatch(obeyed)
  })

  test('in a list of names, or in the API server’s errors', async () => {
    const other = notebook({}, serving)
    api.put({ ...other, metadata: { name: `a${escapes}\nerror: b` } })
    const missing = person()
    expect(await missing.code).toBe(1)
    expect(missing.messages).toHaveLength(1)
    api.refusals.set('notebooks/explore', { code: 403, message: `no ${escapes}\nyes` })
    const refused = person()
    expect(await refused.code).toBe(1)
    expect(refused.messages).toHaveLength(1)
    expect(seen(missing) + seen(refused)).not.toMatch(obeyed)
  })

  test('in the table of up', () => {
    const row = { kind: 'Model', name: 'm', ready: 'False', reason: 'Failed', message: 'x' }
    const hostile = mistyped<typeof row>(
      Object.fromEntries(
        Object.entries(row).map(([field, text]) => [field, `${text}${escapes}\n`]),
      ),
    )
    const lines = tableLines([hostile, row])
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(line).not.toMatch(obeyed)
  })
})

describe('no escape sequence reaches a status', () => {
  const spec = { image: 'example.com/trainer:1', command: ['train'] }
  const failing = (message: string, reason?: string) => {
    const first = sync(aModel(spec))
    const job = aJob(first, { failed: 1, conditions: [{ type: 'Failed', status: 'True' }] })
    return sync(aModel(spec), [job, aPod(job, ended(1, message, reason))])
  }

  test('in the termination message of a container', () => {
    const [ready, ...others] = statusOf(failing(`first\n\x1b[31mlast ${escapes}`)).conditions
    expect(ready?.message).toContain('exited with 1: first | last ')
    for (const { message } of [ready, ...others].flatMap((it) => it ?? []))
      expect(message).not.toMatch(obeyed)
  })

  test('in an image name that the kubelet quotes', () => {
    const first = sync(aNotebook({ image: 'i' }))
    const set = theChild(first, 'StatefulSet')
    const waiting = { reason: 'CreateContainerError', message: `no such ${escapes}` }
    const status = {
      phase: 'Pending',
      containerStatuses: [{ name: 'notebook', state: { waiting } }],
    }
    const next = sync(stored(aNotebook({ image: 'i' }), first), [
      ...applied(first),
      aPod(set, status),
    ])
    const { conditions } = statusOf(next)
    expect(conditions.map(({ message }) => message).join()).toContain('no such ')
    for (const { message } of conditions) expect(message).not.toMatch(obeyed)
  })

  test.each([
    { what: 'a commit that is none', report: { digest, commit: `0123${escapes}` } },
    { what: 'a list of commits', report: { digest, commit: ['0123abc'] } },
    { what: 'a negative size', report: { digest, bytes: -1 } },
  ])('in a report, where $what is left out', ({ report }) => {
    const parent = aModel({ build: { git: { url: 'https://example.com/code' } } })
    const first = sync(parent)
    const job = aJob(first, completed)
    const seen = [job, aPod(job, ended(0, JSON.stringify(report)))]
    const { build } = statusOf(sync(stored(parent, first), seen)).stages ?? {}
    expect(build?.image).toMatch(/@sha256:a{64}$/)
    expect(Object.keys(build ?? {}).sort()).toEqual(['attempt', 'image', 'inputs', 'job'])
  })

  test('and a report with an invalid digest is not recorded', () => {
    const parent = aModel({ build: { git: { url: 'https://example.com/code' } } })
    const job = aJob(sync(parent), completed)
    const seen = [job, aPod(job, ended(0, JSON.stringify({ digest: [digest] })))]
    // A report that cannot be parsed is read once more.
    const answer = sync(stored(parent, sync(parent, seen)), seen)
    expect(statusOf(answer).stages).toBeUndefined()
    expect(readyOf(answer)).toContain('reported no digest')
  })

  test.each(['', 'x'])('and a long message is cut between characters: %j', (before) => {
    const [ready] = statusOf(failing(`${before}${'😀'.repeat(2000)}`)).conditions
    expect(ready?.message).toMatch(/😀…$/u)
    expect(ready?.message.length).toBeLessThanOrEqual(1025)
    expect(ready?.message.isWellFormed()).toBe(true)
  })

  test.each(['\x1b[2Ji', 'i\x9b31m', 'i\u202egnp', 'i\u200b', '-i'])(
    'in an image, which kubectl get prints: %j is refused',
    (image) => {
      for (const object of [aModel({ image }), aNotebook({ image })]) {
        const request = { uid: '1', operation: 'CREATE', namespace: 'default', object } as const
        const { status } = validate(request, aConfig(), {}).response
        expect(status?.message).toContain('spec.image: Invalid value')
        expect(readyOf(sync(object))).toMatch(/^False InvalidSpec: spec.image: /)
      }
    },
  )

  test('in a refusal of admission', () => {
    const object = aModel({ image: 'i', [`x${escapes}`]: 1, model: { name: `m${escapes}` } })
    const request = { uid: '1', operation: 'CREATE', namespace: 'default', object } as const
    const { response } = validate(request, aConfig(), {})
    expect(response.allowed).toBe(false)
    expect(response.status?.message).not.toMatch(obeyed)
  })
})

describe('a hostile manifest is read without harm', () => {
  const manifest = (name: string, more: object = {}) =>
    JSON.stringify({
      apiVersion: 'substratus.ai/v1',
      kind: 'Notebook',
      metadata: { name },
      spec: { image: 'i', args: [escapes], ...more },
    })
  const substratus = (command: string, input: string) =>
    new Promise<string>((resolve) => {
      const child = execFile(
        process.execPath,
        ['cli/main.ts', command, '-f', '-'],
        (_error, stdout, stderr) => resolve(stdout + stderr),
      )
      child.stdin?.end(input)
    })

  test('render escapes control characters without changing the values', async () => {
    const text = await substratus('render', manifest('m'))
    expect(text).not.toMatch(obeyed)
    const set = parseAllDocuments(text)
      .map((document) => document.toJS())
      .find(({ kind }) => kind === 'StatefulSet')
    expect(set.spec.template.spec.containers[0].args).toEqual([escapes])
  })

  test.each(['render', 'validate', 'convert'])('%s prints a name on one line', async (command) => {
    const text = await substratus(command, manifest(`m${escapes}\nvalid: stdin\nkind: Pod`))
    expect(text).not.toMatch(obeyed)
    expect(text).not.toMatch(/^(valid:|kind: Pod)/m)
  })
})
