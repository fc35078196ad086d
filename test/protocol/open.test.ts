import { createServer, type Server } from 'node:http'
import { describe, expect, test } from 'vitest'
import {
  api,
  controlledBy,
  type Given,
  listening,
  notebook,
  person,
  pod,
  serving,
  soon,
  withApi,
} from './person.ts'

/** kubectl open against a fake API server: the requests, and the messages to the user. */

withApi()

/** As Jupyter does: the token opens, anything else is refused. */
async function jupyter(token: string): Promise<number> {
  const server: Server = createServer((req, res) => {
    const { searchParams } = new URL(req.url ?? '', 'http://localhost')
    const opens = searchParams.get('token') === token
    res.writeHead(opens ? 200 : 403).end(opens ? `lab of ${token}` : 'Forbidden')
  })
  const port = await listening(server)
  api.backend = () => port
  api.exec = (_pod, [shell]) =>
    shell === 'sh'
      ? { out: JSON.stringify({ token, base_url: '/', secure: false, port: 8888 }), code: 0 }
      : { out: '', code: 1 }
  return port
}

const patches = () => api.requests.filter((line) => line.startsWith('PATCH'))
const path = '/apis/substratus.ai/v1/namespaces/team/notebooks/explore'

describe('a notebook that runs', () => {
  test('its address has the token that Jupyter reports, and leads to it', async () => {
    await jupyter('secret')
    api.put(notebook({}, serving), pod('p1'))
    const { printed, messages } = person()
    await soon(() => expect(printed).toHaveLength(1))
    expect(printed[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=secret$/)
    expect(await (await fetch(printed[0] ?? '')).text()).toBe('lab of secret')
    expect(messages).toEqual(['Ctrl-C ends; the address is'])
  })

  test('the notebook is not changed, and no object contains the token', async () => {
    await jupyter('secret')
    api.put(notebook({}, serving), pod('p1'))
    const { printed } = person()
    await soon(() => expect(printed).toHaveLength(1))
    expect(patches()).toEqual([])
    expect(api.requests.join()).not.toContain('secret')
  })

  test('the browser gets an address without the token, which works once', async () => {
    await jupyter('secret')
    api.put(notebook({}, serving), pod('p1'))
    const { browsed, printed, messages } = person({ browser: true })
    await soon(() => expect(messages).toHaveLength(1))
    const [oneTime = ''] = browsed
    expect(oneTime).not.toContain('secret')
    expect(await (await fetch(oneTime)).text()).toBe('lab of secret')
    await expect(fetch(oneTime)).rejects.toThrow()
    expect(messages[0]).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/ is open in your browser; Ctrl-C ends$/,
    )
    expect([...messages, ...printed].join()).not.toContain('secret')
  })

  test('if no browser starts, the user gets an address that works once', async () => {
    await jupyter('secret')
    api.put(notebook({}, serving), pod('p1'))
    const browse = async () => Promise.reject(new Error('spawn xdg-open ENOENT'))
    const { messages } = person({ browser: true, browse })
    await soon(() => expect(messages).toHaveLength(1))
    const [, oneTime = ''] = /open (http\S+), which works once/.exec(messages[0] ?? '') ?? []
    expect(await (await fetch(oneTime)).text()).toBe('lab of secret')
    expect(messages[0]).toContain('no browser can be started (spawn xdg-open ENOENT)')
  })

  test('many connections at once, with much data in each direction', async () => {
    const big = Buffer.alloc(8 * 1024 * 1024, 'x')
    const server = createServer((req, res) => {
      let bytes = 0
      req.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      req.on('end', () => res.end(req.method === 'POST' ? String(bytes) : big))
    })
    const port = await listening(server)
    await jupyter('secret')
    api.backend = () => port
    api.put(notebook({}, serving), pod('p1'))
    const { printed } = person()
    await soon(() => expect(printed).toHaveLength(1))
    const address = printed[0] ?? ''
    const got = await Promise.all(
      [1, 2, 3, 4].map(async () => (await (await fetch(address)).arrayBuffer()).byteLength),
    )
    expect(got).toEqual([1, 2, 3, 4].map(() => big.length))
    const sent = await fetch(address, { method: 'POST', body: big })
    expect(await sent.text()).toBe(String(big.length))
  })

  test('a notebook that runs with an older spec is opened, with a note', async () => {
    await jupyter('secret')
    api.put(notebook({}, 'True UpdatePending runs with an older spec'), pod('p1'))
    const { messages, printed } = person()
    await soon(() => expect(printed).toHaveLength(1))
    expect(messages[0]).toBe('note: runs with an older spec')
  })

  test('with a program that is not Jupyter, the address has no token, and a note says so', async () => {
    await jupyter('secret')
    api.exec = () => ({ out: 'cat: : No such file', code: 1 })
    api.put(notebook({ command: ['rstudio'] }, serving), pod('p1'))
    const { messages, printed } = person()
    await soon(() => expect(printed).toHaveLength(1))
    expect(printed[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
    expect(messages[0]).toBe('note: no token of Jupyter was found; the page may ask for a password')
  })

  test('in an image without a shell, Jupyter itself reports the token', async () => {
    await jupyter('secret')
    const original = api.exec
    api.exec = (name, command) =>
      command[0] === 'jupyter' ? original(name, ['sh']) : { out: '', code: 127 }
    api.put(notebook({}, serving), pod('p1'))
    const { printed } = person()
    await soon(() => expect(printed[0]).toContain('token=secret'))
  })
})

describe('a notebook that does not run is started', () => {
  test('suspended: it is resumed, and opened when it is ready', async () => {
    await jupyter('secret')
    api.put(notebook({ suspend: true, image: 'i' }, 'True Suspended spec.suspend is true'))
    api.patched = ({ spec }) => {
      const starting = 'False Starting Pod "explore-notebook-0" runs and does not answer yet'
      setTimeout(() => api.put(notebook(spec ?? {}, starting)), 50)
      setTimeout(() => api.put(pod('p1'), notebook(spec ?? {}, serving)), 200)
    }
    const { messages, printed } = person()
    await soon(() => expect(printed).toHaveLength(1))
    expect(patches()).toEqual([`PATCH ${path} {"spec":{"suspend":false}}`])
    expect(messages).toEqual([
      'Notebook "explore" is suspended: resuming it',
      'waiting for Notebook "explore": the controller has not seen the change yet',
      'waiting for Notebook "explore": Starting: Pod "explore-notebook-0" runs and does not answer yet',
      'Ctrl-C ends; the address is',
    ])
  })

  test('idle: the annotation wakes it, and its spec is unchanged', async () => {
    await jupyter('secret')
    const idle = { idle: { container: 'c1' } }
    api.put(notebook({ idleTimeout: '2h' }, 'True Idle idle for 2h', idle))
    api.patched = ({ spec, metadata }) => {
      setTimeout(() => api.put({ ...notebook(spec ?? {}, serving, idle), metadata }, pod('p1')), 50)
    }
    const { messages, printed } = person()
    await soon(() => expect(printed).toHaveLength(1))
    expect(patches()).toEqual([
      `PATCH ${path} {"metadata":{"annotations":{"substratus.ai/opened":"2026-01-01T00:00:00Z"}}}`,
    ])
    expect(messages[0]).toBe('Notebook "explore" is idle: waking it')
  })

  test('each message of Ready is printed once while it waits', async () => {
    await jupyter('secret')
    const full = 'False Unschedulable 0/3 nodes are available: 3 Insufficient nvidia.com/gpu'
    api.put(notebook({}, full))
    const { messages } = person()
    await soon(() => expect(messages).toHaveLength(1))
    api.put(notebook({ touched: true }, full))
    api.put(notebook({}, 'False ImagePullFailed Back-off pulling image "x"'))
    await soon(() => expect(messages).toHaveLength(2))
    expect(messages).toEqual([
      'waiting for Notebook "explore": Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu',
      'waiting for Notebook "explore": ImagePullFailed: Back-off pulling image "x"',
    ])
  })

  test('Ready, but Jupyter does not answer yet: it is retried', async () => {
    await jupyter('secret')
    const { backend } = api
    api.backend = () => 1
    api.put(notebook({}, serving), pod('p1'))
    const { messages, printed } = person()
    await soon(() => expect(messages).toHaveLength(1))
    expect(messages[0]).toMatch(
      /^waiting for Notebook "explore": Pod "explore-notebook-0" cannot be reached: error forwarding port 8888: .*connection refused/,
    )
    api.backend = backend
    await soon(() => expect(printed).toHaveLength(1))
  })

  test('a spec that can never run ends it', async () => {
    api.put(notebook({}, 'False InvalidSpec spec.image: Required value'))
    const { messages, code } = person()
    expect(await code).toBe(1)
    expect(messages).toEqual([
      'error: Notebook "explore" cannot be opened: InvalidSpec: spec.image: Required value',
    ])
  })
})

describe('while it is open', () => {
  const opened = async (given: Given = {}) => {
    await jupyter('first')
    api.put(notebook({}, serving), pod('p1'))
    const one = person(given)
    await soon(() => expect(one.printed).toHaveLength(1))
    return { ...one, address: one.printed[0] ?? '' }
  }

  test('the Pod is replaced: it reconnects on the same port, with the new token', async () => {
    const { messages, printed, address } = await opened()
    api.remove('Pod', 'explore-notebook-0')
    api.put(notebook({}, 'False Pending no Pod yet'))
    await soon(() => expect(messages).toHaveLength(3))
    await jupyter('second')
    api.put(pod('p2'), notebook({}, serving))
    await soon(() => expect(printed).toHaveLength(2))
    expect(messages.slice(1)).toEqual([
      'Pod "explore-notebook-0" is gone',
      'waiting for Notebook "explore": Pending: no Pod yet',
      'connected again to Pod "explore-notebook-0", which has a token of its own',
      'Ctrl-C ends; the address is',
    ])
    expect(printed[1]).toBe(address.replace('first', 'second'))
    expect(await (await fetch(printed[1] ?? '')).text()).toBe('lab of second')
  })

  test('Jupyter is restarted in its Pod: it reconnects with the new token', async () => {
    const { messages, printed } = await opened()
    await jupyter('second')
    const containerStatuses = [{ name: 'notebook', containerID: 'containerd://2' }]
    api.put({ ...pod('p1'), status: { ...pod('p1').status, containerStatuses } })
    await soon(() => expect(printed).toHaveLength(2))
    expect(messages.slice(1)).toEqual([
      'Pod "explore-notebook-0" was restarted',
      'connected again to Pod "explore-notebook-0", which has a token of its own',
      'Ctrl-C ends; the address is',
    ])
    expect(await (await fetch(printed[1] ?? '')).text()).toBe('lab of second')
  })

  test('the connection breaks: it reconnects', async () => {
    const { messages, printed, address } = await opened()
    const hanging = await listening(createServer(() => {}))
    const { backend } = api
    api.backend = () => hanging
    const request = fetch(address).catch(() => 'cut')
    await soon(() => expect(api.requests.at(-1)).toContain('portforward'))
    await new Promise((resolve) => setTimeout(resolve, 100))
    api.backend = backend
    api.cut()
    expect(await request).toBe('cut')
    await soon(() => expect(messages).toHaveLength(3))
    expect(messages.slice(1)).toEqual([
      'the connection to Pod "explore-notebook-0" broke: it was cut off',
      'connected again to Pod "explore-notebook-0"',
    ])
    expect(await (await fetch(address)).text()).toBe('lab of first')
    expect(printed).toHaveLength(1)
  })

  test('the API server goes away and comes back', async () => {
    const { messages, address } = await opened()
    await api.down()
    await soon(() => expect(messages).toHaveLength(2))
    expect(messages[1]).toMatch(
      /^waiting for Notebook "explore": the API server cannot be reached: the connection to .* was refused/,
    )
    await api.up()
    await soon(() => expect(messages).toHaveLength(3))
    expect(messages[2]).toBe('connected again to Pod "explore-notebook-0"')
    expect(await (await fetch(address)).text()).toBe('lab of first')
  })

  test('a probe that fails for a moment closes no connection', async () => {
    const { messages, address } = await opened()
    const busy = { ...pod('p1'), status: { phase: 'Running', conditions: [] } }
    api.put(busy, notebook({}, 'False Starting the Pod does not answer'))
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await (await fetch(address)).text()).toBe('lab of first')
    expect(messages).toHaveLength(1)
  })

  test.each([
    {
      when: 'somebody suspends it',
      happens: () => api.put(notebook({ suspend: true }, 'True Suspended spec.suspend is true')),
      says: 'it was suspended; kubectl open notebook explore resumes it',
    },
    {
      when: 'it was idle for too long',
      happens: () =>
        api.put(notebook({ idleTimeout: '2h' }, 'True Idle idle for 2h', { idle: {} })),
      says: 'it was idle for 2h and was stopped; kubectl open notebook explore wakes it',
    },
    {
      when: 'it is deleted',
      happens: () => api.remove('Notebook', 'explore'),
      says: 'it was deleted',
    },
  ])('$when: the session ends, and nothing is started again', async ({ happens, says }) => {
    const { messages, code } = await opened()
    happens()
    expect(await code).toBe(1)
    expect(messages.at(-1)).toBe(`error: Notebook "explore" is no longer open: ${says}`)
    expect(patches()).toEqual([])
  })
})

describe('the error says why it cannot be opened', () => {
  test('a wrong name: the error lists the names that exist', async () => {
    const other = { ...notebook({}, serving), metadata: { name: 'b' } }
    api.put(other, { ...other, metadata: { name: 'a' } })
    const { messages, code } = person({ words: ['nb/explor'] })
    expect(await code).toBe(1)
    expect(messages).toEqual([
      'error: Notebook "explor" does not exist in namespace "team"; notebooks in namespace "team": a, b',
    ])
  })

  test('a wrong name in an empty namespace', async () => {
    const { messages, code } = person({ words: ['modelserver', 'chat'] })
    expect(await code).toBe(1)
    expect(messages).toEqual([
      'error: ModelServer "chat" does not exist in namespace "team", and no other modelserver does',
    ])
  })

  test('a cluster without Substratus', async () => {
    api.refusals.set(`GET ${path}`, { code: 404, message: 'the server could not find it' })
    const { messages, code } = person()
    expect(await code).toBe(1)
    expect(messages).toEqual([
      'error: this cluster has no notebooks.substratus.ai: Substratus is not installed there',
    ])
  })

  const who = 'is forbidden: User "eve" cannot'
  test.each([
    {
      what: 'reading it',
      piece: `GET ${path}`,
      message: `notebooks "explore" ${who} get`,
      role: 'view',
    },
    {
      what: 'looking at Pods',
      piece: '/pods?',
      message: `pods ${who} list resource "pods"`,
      role: 'view',
    },
    {
      what: 'exec',
      piece: '/exec',
      message: `pods "explore-notebook-0" ${who} create pods/exec`,
      role: 'edit',
    },
    {
      what: 'port-forward',
      piece: '/portforward',
      message: `pods "explore-notebook-0" ${who} create pods/portforward`,
      role: 'edit',
    },
  ])(
    'forbidden, $what: with the API server’s message, and what would allow it',
    async ({ piece, message, role }) => {
      await jupyter('secret')
      api.put(notebook({}, serving), pod('p1'))
      api.refusals.set(piece, { code: 403, message })
      const { messages, code, printed } = person()
      expect(await code).toBe(1)
      expect(messages[0]).toContain(message)
      expect(messages.slice(1)).toEqual([
        'to allow it, an administrator of the namespace runs:',
        `kubectl create rolebinding eve-${role} -n team --clusterrole=${role} --user=eve`,
      ])
      expect(printed).toEqual([])
    },
  )

  test('forbidden, resuming it', async () => {
    api.put(notebook({ suspend: true }, 'True Suspended spec.suspend is true'))
    const message = `notebooks "explore" ${who} patch resource`
    api.refusals.set('PATCH', { code: 403, message })
    const { messages, code } = person()
    expect(await code).toBe(1)
    expect(messages.at(-3)).toBe(`error: ${message}`)
    expect(messages.at(-1)).toContain('eve-edit -n team --clusterrole=edit')
  })

  test('a failure that quotes somebody’s log suggests no right for whom the log names', async () => {
    const words = 'container "build" exited with 1: User "system:serviceaccount:a:b" cannot list'
    api.put(notebook({}, `False Failed ${words}`))
    const { messages, code } = person()
    expect(await code).toBe(1)
    expect(messages).toHaveLength(1)
    expect(messages[0]).toContain(words)
  })

  test('without permission to watch, changes are still found', async () => {
    await jupyter('secret')
    api.refusals.set('watch=true', { code: 403, message: `notebooks ${who} watch` })
    api.put(notebook({}, 'False Pending no Pod yet'))
    const { printed, messages } = person()
    await soon(() => expect(messages).toHaveLength(1))
    api.put(notebook({}, serving), pod('p1'))
    await soon(() => expect(printed).toHaveLength(1))
  })

  test('the API server cannot be reached', async () => {
    await api.down()
    const { messages, code } = person()
    expect(await code).toBe(1)
    expect(messages[0]).toMatch(/^error: the connection to .* was refused/)
    await api.up()
  })

  test('a local port that is in use', async () => {
    const port = await jupyter('secret')
    api.put(notebook({ suspend: true }, 'True Suspended spec.suspend is true'))
    const { messages, code } = person({ port })
    expect(await code).toBe(1)
    expect(messages).toEqual([
      `error: port ${port} of this machine is in use: choose another, or leave --port out for a free one`,
    ])
    expect(patches()).toEqual([])
  })
})

describe('Ctrl-C', () => {
  const left =
    'Notebook "explore" is left running: kubectl open notebook explore --suspend stops it'
  const stopped =
    'Notebook "explore" is suspended; its home is kept: kubectl open notebook explore resumes it'

  test.each<{
    when: string
    given: Given
    signals: NodeJS.Signals[]
    says: string
    isInteractive: boolean
  }>([
    {
      when: 'without a terminal: left running',
      given: {},
      signals: ['SIGINT'],
      says: left,
      isInteractive: false,
    },
    {
      when: 'answered with s: suspended',
      given: { isInteractive: true, answer: async () => 's' },
      signals: ['SIGINT'],
      says: stopped,
      isInteractive: true,
    },
    {
      when: 'answered with Enter: left running',
      given: { isInteractive: true, answer: async () => '' },
      signals: ['SIGINT'],
      says: left,
      isInteractive: true,
    },
    {
      when: 'and Ctrl-C again: ends at once',
      given: { isInteractive: true, answer: () => new Promise(() => {}) },
      signals: ['SIGINT', 'SIGINT'],
      says: left,
      isInteractive: true,
    },
    {
      when: 'SIGTERM instead: no question',
      given: { isInteractive: true, answer: async () => 's' },
      signals: ['SIGTERM'],
      says: left,
      isInteractive: false,
    },
  ])('$when', async ({ given, signals, says, isInteractive }) => {
    await jupyter('secret')
    api.put(notebook({}, serving), pod('p1'))
    // The watch reports a patch before its response arrives.
    api.patched = () => new Promise((resolve) => setTimeout(resolve, 100))
    let questions = 0
    const answer = () => {
      questions += 1
      return given.answer?.() ?? Promise.resolve('')
    }
    const { messages, printed, code, interrupt } = person({ ...given, answer })
    await soon(() => expect(printed).toHaveLength(1))
    for (const signal of signals) {
      interrupt(signal)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(await code).toBe(0)
    expect(messages.at(-1)).toBe(says)
    expect(questions).toBe(isInteractive ? 1 : 0)
    expect(patches()).toEqual(says === stopped ? [`PATCH ${path} {"spec":{"suspend":true}}`] : [])
    // The local port is closed.
    await expect(fetch(printed[0] ?? '')).rejects.toThrow()
  })

  test('while it waits, too', async () => {
    api.put(notebook({}, 'False Pending no Pod yet'))
    const { messages, code, interrupt } = person({ isInteractive: true, answer: async () => 's' })
    await soon(() => expect(messages).toHaveLength(1))
    interrupt()
    expect(await code).toBe(0)
    expect(messages.at(-1)).toBe(stopped)
  })
})

describe('--suspend', () => {
  test('suspends, and ends', async () => {
    api.put(notebook({}, serving), pod('p1'))
    const { messages, code } = person({ suspend: true })
    expect(await code).toBe(0)
    expect(patches()).toEqual([`PATCH ${path} {"spec":{"suspend":true}}`])
    expect(messages).toEqual([
      'Notebook "explore" is suspended; its home is kept: kubectl open notebook explore resumes it',
    ])
  })

  test('does nothing if it is suspended already', async () => {
    api.put(notebook({ suspend: true }, 'True Suspended spec.suspend is true'))
    const { messages, code } = person({ suspend: true })
    expect(await code).toBe(0)
    expect(patches()).toEqual([])
    expect(messages[0]).toContain('is suspended already')
  })
})

describe('a ModelServer', () => {
  const server = {
    ...notebook({ model: { name: 'm' } }, 'True Serving 1 of 1 replicas available'),
    kind: 'ModelServer',
    metadata: { name: 'chat', uid: 's1' },
  }
  const replica = (name: string, created: string) => ({
    ...pod(name, {
      name,
      creationTimestamp: created,
      ...controlledBy('ReplicaSet', 'chat-server-5f', 'replicas1'),
    }),
    spec: { containers: [{ name: 'server', ports: [{ name: 'http', containerPort: 9000 }] }] },
  })

  const owners = [
    {
      kind: 'Deployment',
      metadata: {
        name: 'chat-server',
        uid: 'deployment1',
        ...controlledBy('ModelServer', 'chat', 's1'),
      },
    },
    {
      kind: 'ReplicaSet',
      metadata: {
        name: 'chat-server-5f',
        uid: 'replicas1',
        ...controlledBy('Deployment', 'chat-server', 'deployment1'),
      },
    },
  ]

  test('that sleeps is woken by a time, and is reached through its relay', async () => {
    await jupyter('')
    const asleep = {
      ...server,
      spec: { ...server.spec, idleTimeout: '30m' },
      status: { ...server.status, idle: { container: 'c', since: '2026-01-01T00:00:00Z' } },
    }
    const one = replica('chat-1', '2026-01-02T00:00:00Z')
    const relay = { name: 'relay', ports: [{ name: 'relay', containerPort: 18080 }] }
    api.put(...owners, asleep, { ...one, spec: { ...one.spec, initContainers: [relay] } })
    const { messages, printed, code, interrupt } = person({ words: ['mserver/chat'] })
    await soon(() => expect(printed).toHaveLength(1))
    expect(messages[0]).toBe('ModelServer "chat" is idle: waking it')
    const [patch = ''] = patches()
    expect(patch).toMatch(
      /\{"metadata":\{"annotations":\{"substratus\.ai\/opened":"[-0-9]+T[:.0-9]+Z"\}\}\}$/,
    )
    const forwards = api.requests.filter((line) => line.includes('portforward'))
    expect(forwards.every((line) => line.includes('ports=18080'))).toBe(true)
    expect(forwards).not.toEqual([])
    interrupt()
    expect(await code).toBe(0)
  })

  test('is reached on its container’s port, and another replica replaces one that is deleted', async () => {
    await jupyter('')
    api.put(
      ...owners,
      server,
      replica('chat-1', '2026-01-02T00:00:00Z'),
      replica('chat-2', '2026-01-01T00:00:00Z'),
    )
    const { messages, printed, code, interrupt } = person({
      words: ['mserver/chat'],
      isInteractive: true,
    })
    await soon(() => expect(printed).toHaveLength(1))
    expect(await (await fetch(`${printed[0]}?token=`)).text()).toBe('lab of ')
    api.remove('Pod', 'chat-1')
    await soon(() => expect(messages).toHaveLength(3))
    expect(messages.slice(1)).toEqual(['Pod "chat-1" is gone', 'connected again to Pod "chat-2"'])
    expect(api.requests.filter((line) => line.includes('exec'))).toEqual([])
    interrupt()
    expect(await code).toBe(0)
    // Other users use it too, so there is no question about stopping it.
    expect(messages.at(-1)).toBe(
      'ModelServer "chat" is left running: kubectl open modelserver chat --suspend stops it',
    )
  })
})
