import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { clusterOf } from '../../cluster/kubeconfig.ts'
import { type Feed, feedOf } from '../../ui/feed.ts'
import { filesOf } from '../../ui/files.ts'
import { type LocalOptions, localPart } from '../../ui/local.ts'
import type { Sent } from '../../ui/wire.ts'
import { type FakeApi, fakeApi } from '../protocol/fakeapi.ts'
import {
  expectNoComplaints,
  foundByAxe,
  press,
  served,
  shows,
  textOf,
  withPage,
} from './pagebed.ts'

/** The page with objects that are pushed to it: what takes no cluster, or what no cluster does on demand. */

const { folder, browser } = withPage()

const resources = ['datasets', 'models', 'modelservers', 'notebooks', 'jobs', 'pods', 'events']
const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** Opens the page of a namespace in which nothing exists but what is pushed. */
async function opened(
  given: Partial<Record<string, readonly Sent[]>>,
  options: Partial<LocalOptions> = {},
  place = '#/list',
): Promise<{
  readonly feed: Feed
  readonly api: FakeApi
  readonly go: (place: string) => unknown
}> {
  const api = await fakeApi()
  api.posted = () => ({ status: { allowed: true } })
  const feed = feedOf(resources)
  for (const resource of resources) feed.push(resource, given[resource] ?? [], [])
  const local = await localPart({
    cluster: clusterOf({ kubeconfig: api.kubeconfig }),
    files: filesOf(folder),
    feed,
    gateway: (_req, res) => res.end(),
    open: () => {},
    port: 0,
    ...options,
  })
  ends.push(local.close, api.close)
  await browser().go('about:blank')
  browser().complaints.length = 0
  await browser().go(local.address)
  await browser().untilTrue('document.querySelector("table")')
  const go = (place: string) => browser().ask(`location.hash = ${JSON.stringify(place)}; true`)
  await go(place)
  return { feed, api, go }
}

const condition = (type: string, status: string, reason: string, message: string) => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-11-27T10:00:00Z',
})
/** So that pictures are the same on every day. */
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString()

interface Fields {
  readonly spec?: object
  readonly status?: object
  readonly ready?: string
}
const thing = (kind: string, name: string, { spec = {}, status, ready }: Fields = {}) => {
  const [, holds = 'True', reason = 'Done', message = 'done'] =
    /^(\S+) (\S+): (.*)$/.exec(ready ?? '') ?? []
  return {
    apiVersion: 'substratus.ai/v1',
    kind,
    metadata: { name, uid: `${kind}-${name}`, creationTimestamp: ago(3600) },
    spec,
    status: { conditions: [condition('Ready', holds, reason, message)], ...status },
  }
}

const curve = (...values: readonly number[]) => [
  { metric: 'loss', over: 'step', at: values.map((_, at) => at * 10), values },
]
const progress = (...values: readonly number[]) => ({
  job: 'run',
  stage: 'run',
  percent: 45,
  step: 450,
  of: 1000,
  message: 'epoch 2',
  metrics: { loss: String(values.at(-1)) },
  curve: curve(...values),
})

describe('text of objects is text', () => {
  const attack = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
  const link = 'javascript:window.hacked=1'

  test('wherever it is shown, none of it runs', async () => {
    const model = (name: string) =>
      thing('Model', name, {
        spec: { args: [attack], params: { [attack]: link }, image: link },
        ready: `False Running: ${attack}`,
        status: {
          progress: {
            ...progress(1, 2),
            message: attack,
            metrics: { [attack]: attack },
            curve: [{ metric: attack, over: attack, at: [0, 1], values: [1, 2] }],
          },
        },
      })
    const uid = 'Model-m'
    const labels = {
      'substratus.ai/kind': 'model',
      'substratus.ai/name': 'm',
      'substratus.ai/stage': attack,
    }
    const { api, go } = await opened({
      models: [model('m'), { ...model('n'), spec: { args: ['other'] } } as Sent],
      modelservers: [thing('ModelServer', 's', { spec: { model: { name: attack } } })],
      jobs: [{ metadata: { name: 'm-run', uid: 'job', labels } } as Sent],
      pods: [
        {
          metadata: { name: 'm-run-1', uid: 'pod', labels },
          spec: { containers: [{ name: 'run' }] },
        } as Sent,
      ],
      events: [
        {
          metadata: { name: 'e' },
          involvedObject: { kind: attack, name: attack, uid },
          reason: attack,
          message: attack,
        } as Sent,
      ],
    })
    api.logs.set('m-run-1', attack)
    await shows(browser(), attack, '.list')
    await go('#/list/models/m')
    await shows(browser(), attack, '.details')
    await press(browser(), 'Logs')
    await press(browser(), 'YAML')
    await shows(browser(), attack, '[role=log]')
    await shows(browser(), link, '.details')
    await go('#/compare/m/n')
    await shows(browser(), attack, '.compare')
    await go('#/graph/modelservers/s')
    await browser().untilTrue('document.querySelector("svg .node")')
    expect(await browser().ask('window.hacked ?? "nothing ran"')).toBe('nothing ran')
    expect(await browser().ask('document.querySelectorAll("img, main script").length')).toBe(0)
    expectNoComplaints(browser())
  })

  test('an address that names what is no object shows none', async () => {
    await opened({}, {}, `#/list/models/${encodeURIComponent(attack)}`)
    await shows(browser(), '0 of 0 objects')
    expect(await browser().ask('document.querySelector(".details")')).toBeNull()
    expectNoComplaints(browser())
  })

  test('the page’s policy refuses markup, even if the page tried', async () => {
    await opened({})
    const tried = await browser().ask(
      'try { document.body.innerHTML = "<b>x</b>"; "done" } catch (error) { error.name }',
    )
    expect(tried).toBe('TypeError')
  })
})

describe('a log', () => {
  const labels = {
    'substratus.ai/kind': 'model',
    'substratus.ai/name': 'm',
    'substratus.ai/stage': 'run',
  }
  const running = {
    models: [thing('Model', 'm', { ready: 'False Running: here' })],
    pods: [
      {
        metadata: { name: 'm-run-1', uid: 'pod', labels },
        spec: { nodeName: 'gpu-7', containers: [{ name: 'run' }] },
      } as Sent,
    ],
  }
  const says = (text: string) => shows(browser(), text, '[role=log] + p')
  const saysNothing = () =>
    browser().untilTrue('document.querySelector("[role=log] + p").innerText === ""')

  test('is read again once its node is back, and the API server', async () => {
    const { api, go } = await opened(running)
    api.logs.set('m-run-1', 'step 1\n')
    const message = 'dial tcp 10.0.0.1:10250: connect: connection refused'
    api.refusals.set('/log', { code: 500, message })
    await go('#/list/models/m')
    await press(browser(), 'Logs')
    await says(
      'The log cannot be read: node "gpu-7" of Pod "m-run-1" does not answer the API server',
    )
    api.refusals.delete('/log')
    await shows(browser(), 'step 1', '[role=log]')
    await api.down()
    await says('the API server cannot be reached: the connection to 127.0.0.1:')
    await api.up()
    await saysNothing()
    expect(await textOf(browser(), '[role=log]')).toBe('step 1\n')
  })

  test('of a container that has started and printed nothing shows no error', async () => {
    const { api, go } = await opened(running)
    api.logs.set('m-run-1', '')
    const message = 'container "run" in pod "m-run-1" is waiting to start: ContainerCreating'
    api.refusals.set('/log', { code: 400, message })
    await go('#/list/models/m')
    await press(browser(), 'Logs')
    await says(`The log cannot be read: ${message}; trying again`)
    api.refusals.delete('/log')
    await saysNothing()
  })
})

test.each([
  {
    when: 'cannot be reached',
    begin: ({ down }: FakeApi) => down(),
    end: ({ up }: FakeApi) => up(),
  },
  {
    when: 'has too many requests',
    begin: ({ refusals }: FakeApi) =>
      refusals.set('/selfsubjectaccessreviews', { code: 429, message: 'too many requests' }),
    end: ({ refusals }: FakeApi) => refusals.clear(),
  },
])(
  'no right counts as missing while the API server $when: the page asks again',
  async ({ begin, end }) => {
    const { api, go } = await opened({ models: [thing('Model', 'm')] })
    await begin(api)
    await go('#/list/models/m')
    await press(browser(), 'Logs')
    await shows(browser(), 'Conditions', '.details')
    await browser().ask('new Promise((done) => setTimeout(done, 1000, true))')
    expect(await textOf(browser(), '.details')).not.toContain('right')
    await end(api)
    await shows(browser(), 'Suspend', '.actions')
    await shows(browser(), 'It has no Pods now.', '.details')
  },
)

describe('a thousand objects', () => {
  const many = Array.from({ length: 1000 }, (_, at) =>
    thing('Model', `m${at}`, {
      spec: at % 10 ? { model: { name: `m${at - (at % 10)}` } } : { image: 'example.com/m' },
    }),
  )

  /** Milliseconds from the start of the navigation to the first paint, and to the frame with all rows. */
  async function loaded(address: string): Promise<readonly [number, number]> {
    await browser().go('about:blank')
    await browser().go(address)
    const listed = await browser().ask(
      `new Promise((done) => {
        const look = () => document.querySelectorAll('tbody tr').length === 1000
          ? setTimeout(() => done(performance.now())) : requestAnimationFrame(look)
        look()
      })`,
    )
    const paint = 'performance.getEntriesByName("first-contentful-paint")[0].startTime'
    return [Number(await browser().ask(paint)), Number(listed)]
  }

  /** Milliseconds from the API server's answer to the frame that shows it. */
  async function changed(api: FakeApi, where: string, message: string): Promise<number> {
    const seen = browser().ask(
      `new Promise((done) => new MutationObserver((_, own) => {
        if (!document.querySelector('${where}').textContent.endsWith('${message}')) return
        own.disconnect()
        requestAnimationFrame(() => setTimeout(() => done(Date.now())))
      }).observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true }))`,
    )
    // The observer is there when this is answered.
    await browser().ask('true')
    const began = Date.now()
    api.put(thing('Model', 'm0', { ready: `True Done: ${message}` }))
    return Number(await seen) - began
  }

  const median = (times: readonly number[]) =>
    Math.round(times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.POSITIVE_INFINITY)

  /** How many times longer than its CPU time a computation takes now: 1 if nothing else needs the machine. */
  function slowness(): number {
    const [began, used] = [performance.now(), process.cpuUsage()]
    const burnt = () => {
      const { user, system } = process.cpuUsage(used)
      return (user + system) / 1000
    }
    while (burnt() < 30);
    return Math.max(1, (performance.now() - began) / burnt())
  }

  /** The median of five tries is in time, in one of four rounds, as far as other programs let the machine work. */
  async function isInTime(what: string, most: number, attempt: (at: number) => Promise<number>) {
    const rounds: { readonly took: number; readonly slow: number }[] = []
    const fastest = () => Math.min(...rounds.map(({ took, slow }) => took / slow))
    while (rounds.length < 4 && fastest() > most) {
      const before = slowness()
      const times: number[] = []
      for (let at = 0; at < 5; at++) times.push(await attempt(rounds.length * 5 + at))
      rounds.push({ took: median(times), slow: (before + slowness()) / 2 })
    }
    const told = rounds.map(({ took, slow }) => `${took} ms at slowness ${slow.toFixed(1)}`)
    console.log(`1,000 objects: ${what}: ${told.join(', then ')}`)
    expect(fastest(), what).toBeLessThanOrEqual(most)
  }

  test('are painted first within 1 s, and a change within 200 ms, whatever is open', async () => {
    const api = await fakeApi()
    api.posted = () => ({ status: { allowed: true } })
    api.put(...many)
    const page = await served(folder, api.kubeconfig, 'team')
    ends.push(page.end, api.close)
    browser().complaints.length = 0
    await isInTime('the first paint', 1000, async () => (await loaded(page.address))[0])
    // Nothing is promised about the whole list: this finds what is slower by far.
    await isInTime('the whole list', 2000, async () => (await loaded(page.address))[1])
    for (const [place, where, isThere] of [
      ['#/list', 'tbody tr .message', 'tbody tr'],
      ['#/list/models/m1', 'tbody tr .message', '.actions button'],
      ['#/graph', 'svg .node title', 'svg .node'],
      ['#/graph/models/m1', 'svg .node title', '.actions button'],
    ] as const) {
      await browser().ask(`location.hash = '${place}'; true`)
      await browser().untilTrue(`document.querySelector('${isThere}')`)
      await isInTime(`a change in ${place}`, 200, (at) => changed(api, where, `${place} ${at}`))
    }
    expect(await browser().ask('document.querySelectorAll("svg .node").length')).toBe(1000)
    expect(await browser().ask('document.querySelectorAll("svg .edge").length')).toBe(900)
    expectNoComplaints(browser())
  })

  test('are filtered as somebody types', async () => {
    await opened({ models: many })
    await shows(browser(), '1000 of 1000 objects')
    await browser().press('/')
    await browser().type('m99')
    await shows(browser(), '11 of 1000 objects')
    expectNoComplaints(browser())
  })
})

describe('without a mouse, and for a screen reader', () => {
  const objects = {
    datasets: [thing('Dataset', 'squad')],
    models: [
      thing('Model', 'base', { spec: { image: 'example.com/base' } }),
      thing('Model', 'tuned', {
        spec: { model: { name: 'base' }, dataset: { name: 'squad' }, params: { epochs: 3 } },
        ready: 'False Running: training',
        status: { progress: progress(2.5, 1.5, 0.5) },
      }),
    ],
    modelservers: [
      thing('ModelServer', 'chat', {
        spec: { model: { name: 'gone' } },
        ready: 'False ReferenceMissing: Model "gone" does not exist in this namespace',
      }),
    ],
  }
  const places = [
    '#/list',
    '#/list/models/tuned',
    '#/list/modelservers/chat',
    '#/graph',
    '#/graph/models/tuned',
    '#/compare/base/tuned',
  ]

  test.each([
    { on: 'a light screen', screen: {} },
    { on: 'a dark screen', screen: { isDark: true } },
    { on: 'a narrow screen', screen: { width: 360 } },
  ])('axe finds nothing on $on', async ({ screen }) => {
    const { go } = await opened(objects)
    await browser().emulate(screen)
    try {
      for (const place of places) {
        await go(place)
        if (place.startsWith('#/graph'))
          await browser().untilTrue('document.querySelector(".node")')
        if (place.includes('/models/')) await shows(browser(), 'Suspend', '.details')
        expect(await foundByAxe(browser())).toEqual([])
        // Nothing is wider than the screen.
        const wider = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
        expect(await browser().ask(wider)).toBe(0)
      }
    } finally {
      await browser().emulate({})
    }
  })

  test('the keyboard finds, opens and closes an object', async () => {
    await opened(objects)
    await shows(browser(), '4 of 4 objects')
    await browser().press('/')
    await browser().type('tuned')
    await shows(browser(), '1 of 4 objects')
    const focused = () => browser().ask('document.activeElement?.innerText ?? ""')
    for (let at = 0; at < 5 && (await focused()) !== 'tuned'; at++) await browser().press('Tab')
    expect(await focused()).toBe('tuned')
    await browser().press('Enter')
    await shows(browser(), 'Model tuned', '.details h2')
    expect(await focused()).toBe('Model tuned')
    await browser().press('Escape')
    await browser().untilTrue('!document.querySelector(".details")', 20)
  })

  test('progress is told in words, and drawn', async () => {
    await opened(objects, {}, '#/list/models/tuned')
    await shows(browser(), '45%, 450 of 1000, loss 0.5, epoch 2', '.details')
    const label = 'document.querySelector("figure [role=img]")?.ariaLabel'
    expect(await browser().ask(label)).toBe('loss by step; tuned: from 2.5 at 0 to 0.5 at 20')
    await browser().untilTrue('document.querySelector("figure canvas")?.width > 100')
  })

  test('two Models are compared by what differs', async () => {
    await opened(objects, {}, '#/compare/base/tuned')
    await shows(browser(), 'spec.params.epochs', '.compare')
    expect(await textOf(browser(), '.compare tbody')).toBe(
      [
        'spec.dataset.name\t\tsquad',
        'spec.image\texample.com/base\t',
        'spec.model.name\t\tbase',
        'spec.params.epochs\t\t3',
      ].join('\n'),
    )
  })
})

describe('a served model', () => {
  const event = (content: string) =>
    `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`

  test('answers as it writes', async () => {
    let finish = () => {}
    const asked: string[] = []
    await opened(
      { modelservers: [thing('ModelServer', 'chat', { ready: 'True Idle: asleep' })] },
      {
        gateway: async (req, res) => {
          for await (const chunk of req) asked.push(String(chunk))
          res.writeHead(200, { 'content-type': 'text/event-stream' })
          res.write(event('Bon'))
          finish = () => res.end(`${event('jour <b>')}data: [DONE]\n\n`)
        },
      },
      '#/list/modelservers/chat',
    )
    await browser().untilTrue('document.querySelector("textarea")')
    await browser().ask('document.querySelector("textarea").focus(); true')
    await browser().type('Hello')
    await press(browser(), 'Ask')
    await shows(browser(), 'Bon', 'blockquote')
    expect(JSON.parse(asked.join(''))).toEqual({
      model: 'chat',
      stream: true,
      messages: [{ role: 'user', content: 'Hello' }],
    })
    finish()
    await shows(browser(), 'Bonjour <b>', 'blockquote')
    expectNoComplaints(browser())
  })

  test('that refuses says why', async () => {
    await opened(
      { modelservers: [thing('ModelServer', 'chat')] },
      {
        gateway: (req, res) => {
          req.resume()
          res.writeHead(503).end('{"error":{"message":"no node has room"}}')
        },
      },
      '#/list/modelservers/chat',
    )
    await browser().untilTrue('document.querySelector("textarea")')
    await browser().ask('document.querySelector("textarea").focus(); true')
    await browser().type('Hello')
    await press(browser(), 'Ask')
    await shows(browser(), 'no node has room', '.details')
  })
})

test('the command that has ended is told of, and so is its return', async () => {
  const { feed } = await opened({ models: [thing('Model', 'm')] })
  await shows(browser(), '1 of 1 objects')
  // The address of another start has another token.
  for (const end of ends.splice(0)) await end()
  await shows(browser(), 'kubectl substratus ui has ended: start it again')
  await shows(browser(), '1 of 1 objects')
  void feed
})

test('without its token the page says what to open', async () => {
  await opened({})
  await browser().ask('sessionStorage.clear(); location.reload(); true')
  await shows(browser(), 'open the address that kubectl substratus ui has printed')
  expect(await textOf(browser(), 'main')).toBe('')
})

/** The objects of the docs’ pictures: a team that trains a second time, and serves. */
function pictured(): Parameters<typeof opened>[0] {
  const labels = (stage: string) => ({
    'substratus.ai/kind': 'model',
    'substratus.ai/name': 'support',
    'substratus.ai/stage': stage,
  })
  const job = (stage: string, status: object) => ({
    metadata: { name: `support-model-${stage}-0a1b2c3d`, uid: stage, labels: labels(stage) },
    status,
  })
  const losses = (pace: number) =>
    Array.from({ length: 40 }, (_, at) => 0.4 + 2 / (1 + at / pace) + (at % 3) / 30)
  const trained = (learningRate: number) => ({
    image: 'registry.example.com/team/train:1f2e3d4c',
    model: { name: 'qwen' },
    dataset: { name: 'tickets' },
    params: { epochs: 3, learning_rate: learningRate },
  })
  return {
    datasets: [thing('Dataset', 'tickets', { ready: 'True Done: 2 files of 48 MiB' })],
    models: [
      thing('Model', 'qwen', { spec: { source: 'hf://Qwen/Qwen2.5-7B-Instruct' } }),
      thing('Model', 'support', {
        spec: trained(0.0002),
        ready: 'False Running: epoch 2 of 3',
        status: {
          conditions: [
            condition('Ready', 'False', 'Running', 'epoch 2 of 3'),
            condition('Built', 'True', 'Done', 'registry.example.com/team/support:1f2e3d4c'),
            condition('Complete', 'False', 'Running', 'epoch 2 of 3'),
          ],
          progress: { ...progress(...losses(4)), metrics: { loss: '0.51' } },
        },
      }),
      thing('Model', 'support-slow', {
        spec: trained(0.00005),
        status: {
          progress: { ...progress(...losses(9)), percent: 100, metrics: { loss: '0.72' } },
          artifacts: { id: 'sha256:5e12efd8a351' },
        },
      }),
      thing('Model', 'embedder', { spec: { source: 'hf://BAAI/bge-m3' } }),
    ],
    modelservers: [
      thing('ModelServer', 'support', {
        spec: { model: { name: 'support' } },
        ready: 'False Waiting: waiting for Model "support": Running',
      }),
      thing('ModelServer', 'chat', {
        spec: { model: { name: 'qwen' } },
        ready: 'True Serving: http://chat-server:8080',
      }),
      thing('ModelServer', 'embed', {
        spec: { model: { name: 'embedder' } },
        ready: 'True Idle: idle for 1h',
      }),
    ],
    notebooks: [
      thing('Notebook', 'explore', {
        spec: { model: { name: 'qwen' }, dataset: { name: 'tickets' } },
        ready: 'False Failed: the image has no program',
        status: {
          conditions: [
            condition('Ready', 'False', 'ImagePullFailed', 'not found'),
            condition('Stalled', 'True', 'ImagePullFailed', 'not found'),
          ],
        },
      }),
    ],
    jobs: [
      job('build', {
        startTime: ago(1660),
        completionTime: ago(1410),
        conditions: [{ type: 'Complete', status: 'True' }],
      }),
      job('run', { startTime: ago(1410) }),
    ],
  }
}

// SUBSTRATUS_PAGE_PICTURES=docs npm run test:cluster -- pageparts writes them.
test.each([
  {
    picture: 'page-graph.png',
    place: '#/graph/models/support',
    screen: { width: 1280, height: 640 },
    isThere:
      'document.querySelectorAll("svg .node").length === 9 && document.querySelector("figure canvas")',
  },
  {
    picture: 'page-object.png',
    place: '#/list/models/support',
    screen: { width: 1280, height: 860 },
    isThere: 'document.querySelector("figure canvas")',
  },
  {
    picture: 'page-compare.png',
    place: '#/compare/support/support-slow',
    screen: { width: 1280, height: 400 },
    isThere: 'document.querySelector(".compare figure canvas")',
  },
])('the page as the docs show it: $picture', async ({ picture, place, screen, isThere }) => {
  await browser().emulate(screen)
  try {
    await opened(pictured(), {}, place)
    await browser().untilTrue(isThere)
    const drawn = await browser().picture()
    expect(drawn.length).toBeGreaterThan(10_000)
    const folder = process.env.SUBSTRATUS_PAGE_PICTURES
    if (folder) writeFileSync(join(folder, picture), drawn)
    expectNoComplaints(browser())
  } finally {
    await browser().emulate({})
  }
})
