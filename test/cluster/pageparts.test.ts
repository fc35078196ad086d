import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Sent } from '../../ui/wire.ts'
import { type FakeApi, fakeApi } from '../protocol/fakeapi.ts'
import {
  expectNoComplaints,
  foundByAxe,
  opening,
  press,
  served,
  shows,
  textOf,
  withPage,
} from './pagebed.ts'
import { answerOfChat, logOfTraining, pictured, progress, thing } from './pagethings.ts'

/** The page with objects that are pushed to it: what takes no cluster, or what no cluster does on demand. */

const { folder, browser } = withPage()

const ends: (() => Promise<unknown>)[] = []
const opened = opening(folder, browser, ends)
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
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

const labelsOf = (name: string) => ({
  'substratus.ai/kind': 'model',
  'substratus.ai/name': name,
  'substratus.ai/stage': 'run',
})

/** The Pod of a Model's run. */
const podOf = (model: string) =>
  ({
    metadata: {
      name: `${model.slice(0, 240)}-run-1`,
      uid: `pod of ${model}`,
      labels: labelsOf(model),
    },
    spec: { nodeName: 'gpu-7', containers: [{ name: 'run' }] },
  }) as Sent

/** Types a question to the server that is open, and asks it. */
async function ask(question: string): Promise<void> {
  await browser().untilTrue('document.querySelector("textarea")')
  await browser().ask('document.querySelector("textarea").focus(); true')
  await browser().type(question)
  await press(browser(), 'Ask')
}

/** What can be scrolled sideways; a graph can. */
const tooWide = () =>
  browser().ask(
    `[...document.querySelectorAll('html, main > section:not(.graph)')]
      .filter((it) => {
        it.scrollLeft = 99
        return it.scrollLeft > 0
      })
      .map((it) => it.className || it.tagName)`,
  )

describe('a log', () => {
  const running = {
    models: [thing('Model', 'm', { ready: 'False Running: here' })],
    pods: [podOf('m')],
  }
  const says = (text: string) => shows(browser(), text, '[role=log] + p')
  const isOf = (pod: string) =>
    browser().untilTrue(`document.querySelector("[role=log]").ariaLabel === "Log of ${pod}"`)
  const saysNothing = () =>
    browser().untilTrue('document.querySelector("[role=log] + p").innerText === ""')

  test('grows as it is written, and stays once its Pod has gone', async () => {
    const { api, feed, go } = await opened(running)
    let write = (_text: string): unknown => 0
    let end = (): unknown => 0
    const read: string[] = []
    api.log = (pod, _query, res) => {
      read.push(pod)
      res.writeHead(200, { 'content-type': 'text/plain' })
      end = () => res.end()
      write = (text) => res.write(text)
      write('step 1\n')
    }
    await go('#/list/models/m')
    await press(browser(), 'Logs')
    await shows(browser(), 'step 1', '[role=log]')
    write('step 2\n')
    await shows(browser(), 'step 1\nstep 2', '[role=log]')
    write(Array.from({ length: 10_000 }, (_, at) => `step ${at + 3}\n`).join(''))
    await shows(browser(), 'step 10002\n', '[role=log]')
    const box = 'document.querySelector("[role=log]")'
    const left = `${box}.scrollHeight - ${box}.clientHeight - ${box}.scrollTop`
    await browser().untilTrue(`${left} < 2`)
    // Somebody reads an earlier line: the text stays where it is.
    await browser().ask(`${box}.scrollTop = 100; true`)
    write('one more\n')
    await shows(browser(), 'one more', '[role=log]')
    expect(await browser().ask(`${box}.scrollTop`)).toBe(100)
    feed.push('pods', [], running.pods)
    await shows(browser(), 'This is what Pod m-run-1 has written.', '.details')
    await shows(browser(), 'one more', '[role=log]')
    const next = (name: string) => {
      const metadata = { name, uid: name, labels: labelsOf('m') }
      const status = { containerStatuses: [{ name: 'run', state: { running: {} } }] }
      return { ...podOf('m'), metadata, status } as Sent
    }
    feed.push('pods', [next('m-run-2')], [])
    await isOf('m-run-2')
    await shows(browser(), 'step 1', '[role=log]')
    feed.push('pods', [next('m-run-3')], [])
    await isOf('m-run-3')
    await shows(browser(), 'step 1', '[role=log]')
    // The Pod that is there still does not take the place of the deleted one.
    feed.push('pods', [], [next('m-run-3')])
    await shows(browser(), 'This is what Pod m-run-3 has written.', '.details')
    await isOf('m-run-3')
    end()
    await says('The log has ended.')
    expect(read).toEqual(['m-run-1', 'm-run-2', 'm-run-3'])
    expectNoComplaints(browser())
  })

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

test('the longest names and messages, and hundreds of Events, fit into a narrow page', async () => {
  const long = (length: number) => 'n'.repeat(length)
  const name = long(253)
  const words = 'message '.repeat(4000)
  const uid = `Model-${name}`
  const { go, api } = await opened({
    models: [
      thing('Model', name, {
        spec: { image: long(1000), params: { [long(253)]: long(32_768) } },
        ready: `False Running: ${words}${long(700)} message end`,
        status: { progress: { ...progress(1, 2), message: long(1000) } },
      }),
      thing('Model', 'other', { spec: { model: { name } } }),
    ],
    modelservers: [thing('ModelServer', long(63), { ready: `False ${long(1024)}: ${long(999)}` })],
    pods: [podOf(name)],
    events: Array.from({ length: 200 }, (_, at) => ({
      metadata: { name: `event${at}` },
      involvedObject: { kind: 'Model', name, uid },
      reason: long(128),
      message: `${long(1020)}${at}`,
    })),
  })
  api.logs.set(`${long(240)}-run-1`, `${long(100_000)}\n`)
  await browser().emulate({ width: 360 })
  try {
    for (const place of [`models/${name}`, `modelservers/${long(63)}`]) {
      await go(`#/list/${place}`)
      await shows(browser(), 'Suspend', '.actions')
      if (place.startsWith('models/')) {
        for (const part of ['Logs', 'YAML', 'Run again']) await press(browser(), part)
        await shows(browser(), long(9999), '[role=log]')
        await shows(browser(), 'message end', '.details section.scrolls')
        await shows(browser(), `${long(1020)}199`, '.details')
        // What follows a long message is not pages below it.
        expect(await browser().ask('document.querySelector("summary").offsetTop')).toBeLessThan(
          4000,
        )
      }
      expect(await tooWide()).toEqual([])
    }
    // A context may be named after a whole ARN.
    const context = 'document.querySelector("header strong")'
    await browser().ask(`${context}.textContent = "${long(253)}"; true`)
    for (const place of ['#/list', `#/compare/${name}/other`]) {
      await go(place)
      await browser().untilTrue('!document.querySelector(".details")')
      expect(await tooWide()).toEqual([])
    }
    await go('#/graph')
    await browser().untilTrue('document.querySelectorAll("svg .node").length === 3')
    const over = `[...document.querySelectorAll('svg .node')].filter((it) =>
      it.querySelector('text').getBBox().width > it.querySelector('rect').getBBox().width - 10).length`
    expect(await browser().ask(over)).toBe(0)
    expectNoComplaints(browser())
  } finally {
    await browser().emulate({})
  }
})

describe('an address', () => {
  const given = { models: [thing('Model', 'a'), thing('Model', 'b', { ready: 'True Done: b' })] }
  const heading = (text: string) => shows(browser(), text, 'h2')

  test('is what back, forward and a reload return to', async () => {
    const { go } = await opened(given)
    const places = [
      { place: '#/list/models/a', title: 'Model a' },
      { place: '#/graph/models/b', title: 'Model b' },
      { place: '#/compare/a/b', title: 'Model a and Model b' },
    ]
    for (const { place, title } of places) {
      await go(place)
      await heading(title)
      await browser().ask('document.body.dataset.old = "yes"; location.reload(); true')
      await browser().untilTrue('!document.body.dataset.old')
      await heading(title)
      expect(await browser().ask('location.hash')).toBe(place)
    }
    await browser().ask('history.back(); true')
    await heading('Model b')
    await browser().ask('history.back(); true')
    await heading('Model a')
    await browser().ask('history.forward(); true')
    await heading('Model b')
    expectNoComplaints(browser())
  })

  test('with a token can be opened twice, and both tabs show what changes', async () => {
    const { feed, address } = await opened(given)
    const other = await browser().tab()
    await other.go(address)
    await shows(other, '2 of 2 objects')
    feed.push('models', [thing('Model', 'c')], [])
    for (const tab of [browser(), other]) await shows(tab, '3 of 3 objects')
    expect(await other.ask('location.hash')).toBe('#/list')
    await other.close()
  })

  test('of another start is taken by a tab that shows the former one', async () => {
    const { address, go } = await opened(given)
    await browser().ask('sessionStorage.token = "of-another-start"; location.reload(); true')
    await shows(browser(), 'the token is missing or wrong')
    await go(new URL(address).hash)
    await shows(browser(), '2 of 2 objects')
    expect(await browser().ask('location.hash')).toBe('#/list')
  })
})

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

  /** On a machine that is busier than this, times say little: they are corrected by no more. */
  const slowest = 3

  /**
   * In one round, the median of five tries is in time, corrected for what other programs take. At most four
   * rounds count; another four are added while the machine is too busy.
   */
  async function isInTime(what: string, most: number, attempt: (at: number) => Promise<number>) {
    const rounds: { readonly took: number; readonly slow: number }[] = []
    const fastest = () => Math.min(...rounds.map(({ took, slow }) => took / slow))
    const counted = () => rounds.filter(({ slow }) => slow < slowest).length
    while (counted() < 4 && rounds.length < 8 && fastest() > most) {
      const before = slowness()
      const times: number[] = []
      for (let at = 0; at < 5; at++) times.push(await attempt(rounds.length * 5 + at))
      // The smaller one: a moment of other work beside the tries excuses nothing.
      rounds.push({ took: median(times), slow: Math.min(before, slowness(), slowest) })
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
    pods: [podOf('tuned')],
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
  ])('axe finds nothing on $on, and nothing is wider than it', async ({ screen }) => {
    const { go, feed, api } = await opened(objects, {
      gateway: (req, res) => {
        req.resume()
        res.end('data: {"choices": [{"delta": {"content": "Bonjour"}}]}\n')
      },
    })
    api.logs.set('tuned-run-1', 'step 1\n')
    const isFit = async () => {
      expect(await foundByAxe(browser())).toEqual([])
      expect(await tooWide()).toEqual([])
    }
    await browser().emulate(screen)
    try {
      for (const place of places) {
        await go(place)
        if (place.startsWith('#/graph'))
          await browser().untilTrue('document.querySelector(".node")')
        if (place.includes('/models/')) await shows(browser(), 'Suspend', '.details')
        await isFit()
      }
      await go('#/list/models/tuned')
      for (const part of ['Logs', 'YAML', 'Run again']) await press(browser(), part)
      await browser().ask('document.querySelector("details:last-of-type input").click(); true')
      await shows(browser(), 'step 1', '[role=log]')
      await shows(browser(), '# The base: a Model to train further', '.details')
      await shows(browser(), 'Run again now', '.actions')
      await isFit()
      await go('#/list/modelservers/chat')
      await ask('Hello')
      await shows(browser(), 'Bonjour', 'blockquote')
      for (const resource of ['models', 'jobs']) feed.trouble(resource, 'the connection was lost')
      await shows(browser(), 'models, jobs cannot be read', 'body > [role=status]')
      await isFit()
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
    const isFocused = (name: string) =>
      browser().untilTrue(`document.activeElement?.innerText === ${JSON.stringify(name)}`, 20)
    await isFocused('Model tuned')
    const press = async (name: string) => {
      for (let at = 0; at < 9 && (await focused()) !== name; at++) await browser().press('Tab')
      expect(await focused()).toBe(name)
      await browser().press('Enter')
    }
    await shows(browser(), 'Run again', '.actions')
    await press('Run again')
    await isFocused('Cancel')
    await browser().press('Enter')
    await isFocused('Run again')
    await browser().press('Escape')
    await browser().untilTrue('!document.querySelector(".details")', 20)
    await isFocused('tuned')
    // Escape in the filter is about the filter.
    await press('tuned')
    await shows(browser(), 'Model tuned', '.details h2')
    await browser().press('/')
    await browser().press('Escape')
    await shows(browser(), 'Model tuned', '.details h2')
    // A checkbox has nothing to clear.
    await browser().ask('document.querySelector(".details summary").click(); true')
    await browser().untilTrue('document.querySelector(".details input[type=checkbox]")', 20)
    await browser().ask('document.querySelector(".details input[type=checkbox]").focus(); true')
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
    await ask('Hello')
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
    await ask('Hello')
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

interface Drawn {
  readonly picture: string
  readonly place: string
  readonly screen: { readonly width: number; readonly height: number }
  readonly isThere: string
  /** What somebody does on the page before. */
  readonly first?: () => Promise<unknown>
}

const drawings: readonly Drawn[] = [
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
    isThere: 'document.querySelector("figure canvas") && document.querySelector(".actions button")',
  },
  {
    picture: 'page-logs.png',
    place: '#/list/models/support',
    screen: { width: 1280, height: 640 },
    first: async () => {
      await press(browser(), 'Logs')
      await shows(browser(), 'step 460', '[role=log]')
      await browser().ask('document.querySelector("details").scrollIntoView(); true')
    },
    isThere: 'document.querySelector("[role=log]").scrollTop > 0',
  },
  {
    picture: 'page-yaml.png',
    place: '#/list/models/support',
    screen: { width: 1280, height: 640 },
    first: async () => {
      await press(browser(), 'YAML')
      await browser().ask('document.querySelector("details:last-of-type input").click(); true')
      await shows(browser(), '# The base: a Model to train further', '.details')
      await browser().ask('document.querySelector("details:last-of-type").scrollIntoView(); true')
    },
    isThere: 'document.querySelector(".actions button")',
  },
  {
    picture: 'page-ask.png',
    place: '#/list/modelservers/chat',
    screen: { width: 1280, height: 640 },
    first: () => ask('What is a Pod?'),
    isThere: 'document.querySelector("blockquote").innerText.includes("storage.")',
  },
  {
    picture: 'page-compare.png',
    place: '#/compare/support/support-slow',
    screen: { width: 1280, height: 400 },
    isThere: 'document.querySelector(".compare figure canvas")',
  },
]

// SUBSTRATUS_PAGE_PICTURES=docs npm run test:cluster -- pageparts writes them.
test.each(drawings)('the page as the docs show it: $picture', async (drawn) => {
  const { picture, place, screen, isThere, first } = drawn
  await browser().emulate(screen)
  try {
    const { api } = await opened(pictured(), { gateway: answerOfChat }, place)
    api.logs.set('support-model-run-0a1b2c3d-x7k2p', logOfTraining)
    await first?.()
    await browser().untilTrue(isThere)
    const image = await browser().picture()
    expect(image.length).toBeGreaterThan(10_000)
    const folder = process.env.SUBSTRATUS_PAGE_PICTURES
    if (folder) writeFileSync(join(folder, picture), image)
    expectNoComplaints(browser())
  } finally {
    await browser().emulate({})
  }
})
