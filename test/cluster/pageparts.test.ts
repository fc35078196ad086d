import { afterEach, describe, expect, test } from 'vitest'
import type { Sent } from '../../ui/wire.ts'
import type { FakeApi } from '../protocol/fakeapi.ts'
import {
  ask,
  expectNoComplaints,
  opening,
  press,
  shows,
  textOf,
  tooWide,
  withPage,
} from './pagebed.ts'
import { labelsOf, podOf, progress, thing } from './pagethings.ts'

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
      jobs: [
        {
          metadata: { name: 'm-run', uid: 'job', labels },
          status: { conditions: [{ type: 'Failed', status: 'True', reason: attack }] },
        } as Sent,
      ],
      pods: [
        {
          metadata: { name: 'm-run-1', uid: 'pod', labels },
          spec: { nodeName: attack, containers: [{ name: 'run' }] },
          status: { phase: 'Failed', reason: attack },
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
    await shows(browser(), attack, '[aria-labelledby=children]')
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
    jobs: [
      {
        metadata: { name, uid: 'job', labels: labelsOf(name) },
        status: { failed: 7, conditions: [{ type: 'Failed', status: 'True', reason: long(1024) }] },
      } as Sent,
    ],
    pods: [{ ...podOf(name), status: { phase: 'Failed', reason: long(253) } } as Sent],
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
        await shows(browser(), `${long(1024)}, 7 failed`, '[aria-labelledby=children]')
        // What follows a long message is not pages below it.
        expect(await browser().ask('document.querySelector("summary").offsetTop')).toBeLessThan(
          4000,
        )
      }
      expect(await tooWide(browser())).toEqual([])
    }
    // A context may be named after a whole ARN.
    const context = 'document.querySelector("header strong")'
    await browser().ask(`${context}.textContent = "${long(253)}"; true`)
    for (const place of ['#/list', `#/compare/${name}/other`]) {
      await go(place)
      await browser().untilTrue('!document.querySelector(".details")')
      expect(await tooWide(browser())).toEqual([])
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

  test('with a token can be opened twice, and only the tab in front is connected', async () => {
    const { feed, address } = await opened(given)
    await shows(browser(), '2 of 2 objects')
    const other = await browser().tab()
    await other.go(address)
    await shows(other, '2 of 2 objects')
    expect(await other.ask('location.hash')).toBe('#/list')
    feed.push('models', [thing('Model', 'c')], [])
    await shows(other, '3 of 3 objects')
    // A browser has six connections to an address, for all its tabs.
    expect(await textOf(browser())).toContain('2 of 2 objects')
    expect(await textOf(browser(), 'body > [role=status]')).toBe('')
    await other.close()
    await browser().show()
    await shows(browser(), '3 of 3 objects')
    expectNoComplaints(browser())
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
    await ask(browser(), 'Hello')
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
    await ask(browser(), 'Hello')
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
