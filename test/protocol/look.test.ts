import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type FakeApi, fakeApi, type Stored } from './fakeapi.ts'

/** `kubectl substratus` tree, why, logs, watch and what changes objects: what they ask, and print where. */

let api: FakeApi
const ends: (() => void)[] = []
beforeEach(async () => {
  api = await fakeApi()
})
afterEach(async () => {
  for (const end of ends.splice(0)) end()
  await api.close()
})

/** A command that runs, and what it has printed so far. */
function started(words: string, file = 'cli/main.ts', output?: string) {
  const args = words.split(' ')
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, KUBECONFIG: api.kubeconfig },
    stdio: ['ignore', output === undefined ? 'pipe' : openSync(output, 'w'), 'pipe'],
  })
  ends.push(() => child.kill('SIGKILL'))
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (chunk: Buffer) => {
      printed[name] += chunk
    })
  const code = new Promise<number | null>((resolve) => child.on('close', resolve))
  /** As a reader that has seen enough, such as head. */
  const stopReading = () => {
    child.stdout?.destroy()
  }
  return { printed, code, stopReading }
}

async function run(words: string, file?: string) {
  const { printed, code } = started(words, file)
  return { code: await code, ...printed }
}

const soon = (assertion: () => void) => vi.waitFor(assertion, { timeout: 60_000, interval: 50 })

const evil = '\x1b]0;owned\x07\x1b[2J\u009b31m\nroot# \u202e'
const controls = /(?!\n)[\p{Cc}\u202e]/u

const condition = (type: string, status: string, reason: string, message = '') => ({
  type,
  status,
  reason,
  message,
})

const object = (kind: string, name: string, spec: object, ...conditions: object[]): Stored => ({
  kind,
  metadata: { name, uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec,
  status: { conditions },
})

const squad = object('Dataset', 'squad', {}, condition('Ready', 'True', 'Done'))
const failing = object(
  'Model',
  'falcon',
  { dataset: { name: 'squad' } },
  condition('Ready', 'False', 'Failed', evil),
  condition('Complete', 'False', 'Failed', evil),
)
const running = object(
  'Model',
  'falcon',
  { dataset: { name: 'squad' } },
  condition('Ready', 'False', 'Running', 'Pod "x" is running'),
)
const chat = object(
  'ModelServer',
  'chat',
  { model: { name: 'falcon' } },
  condition('Ready', 'False', 'Waiting', 'waiting for Model "falcon": Failed'),
)

const owned = (kind: string, name: string, uid: string, stage: string) => ({
  labels: {
    'substratus.ai/parent-uid': 'uid-falcon',
    'substratus.ai/kind': 'model',
    'substratus.ai/name': 'falcon',
    'substratus.ai/stage': stage,
  },
  ownerReferences: [{ kind, name, uid, controller: true }],
})
const job = (stage: string): Stored => ({
  kind: 'Job',
  metadata: {
    name: `falcon-model-${stage}`,
    uid: `uid-job-${stage}`,
    ...owned('Model', 'falcon', 'uid-falcon', stage),
  },
  status: {},
})
const pod = (stage: string, minute: number, state: object): Stored => ({
  kind: 'Pod',
  metadata: {
    name: `falcon-model-${stage}-x`,
    uid: `uid-pod-${stage}`,
    creationTimestamp: `2026-01-01T00:0${minute}:00Z`,
    ...owned('Job', `falcon-model-${stage}`, `uid-job-${stage}`, stage),
  },
  spec: { containers: [{ name: stage }] },
  status: { phase: 'Running', containerStatuses: [{ name: stage, state }] },
})
const ended = { terminated: { exitCode: 0 } }

describe('tree', () => {
  test('draws what was made from what, and nothing that a terminal would interpret', async () => {
    api.put(squad, failing, chat)
    const { code, stdout, stderr } = await run('tree')
    expect([code, stderr]).toEqual([0, ''])
    const names = stdout.split('\n').map((one) => /^[ │├└─]*\S*/.exec(one)?.[0])
    expect(names.slice(0, 4)).toEqual([
      'NAME',
      'Dataset/squad',
      '└─Model/falcon',
      '  └─ModelServer/chat',
    ])
    expect(stdout).not.toMatch(controls)
  })

  test('prints JSON in ASCII, from which nothing is lost', async () => {
    api.put(squad, failing)
    const { code, stdout } = await run('tree -o json')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^[\n\x20-\x7e]*$/)
    const { nodes, edges } = JSON.parse(stdout)
    expect(nodes.map(({ id }: { id: string }) => id)).toEqual([
      'team/Dataset/squad',
      'team/Model/falcon',
    ])
    expect(nodes[1].message).toBe(evil)
    expect(edges).toEqual([{ from: 'team/Dataset/squad', to: 'team/Model/falcon', role: 'data' }])
  })

  test('that cannot be written, as on a full disk, is no success', async () => {
    api.put(squad, failing)
    const { printed, code } = started('tree -o json', 'cli/main.ts', '/dev/full')
    expect(await code).toBe(1)
    expect(printed.stderr).toMatch(/^error: the output cannot be written: .*no space left/)
  })

  test('of a name that does not exist tells those that resemble it', async () => {
    api.put(squad, failing)
    const { code, stdout, stderr } = await run('tree model/flacon')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      'error: Model "flacon" does not exist in namespace "team"; models there: falcon\n',
    )
  })

  test('that may not be read tells the binding that would allow it', async () => {
    const message = 'models.substratus.ai is forbidden: User "jane" cannot list resource "models"'
    api.refusals.set('/models', { code: 403, message })
    const { code, stderr } = await run('tree')
    expect(code).toBe(1)
    expect(stderr).toContain(message)
    expect(stderr).toContain(
      'kubectl create rolebinding jane-view -n team --clusterrole=view --user=jane\n',
    )
  })

  test('without Substratus in the cluster says so', async () => {
    api.refusals.set('/apis/substratus.ai', { code: 404, message: '404 page not found' })
    const { code, stderr } = await run('tree')
    expect([code, stderr]).toEqual([
      1,
      'error: this cluster has no substratus.ai kinds: Substratus is not installed there\n',
    ])
  })
})

describe('why', () => {
  test('leads from a server to the Pod, and prints no escape sequence of any text', async () => {
    const event = {
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: { kind: 'Pod', uid: 'uid-pod-run' },
      type: 'Warning',
      reason: 'BackOff',
      message: evil,
    } as Stored
    const crashed = { terminated: { exitCode: 1, message: evil } }
    api.put(squad, failing, chat, job('run'), pod('run', 1, crashed), event)
    const { code, stdout, stderr } = await run('why modelserver chat')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('\n└─Model "falcon": not Ready: Failed: ]0;owned')
    expect(stdout).toContain('\n  └─Job "falcon-model-run": ')
    expect(stdout).toContain(
      '\n    └─Pod "falcon-model-run-x": Failed: container "run" exited with 1',
    )
    expect(stdout).toContain('Warning BackOff')
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(
      '  kubectl substratus logs model falcon -n team',
    )
    expect(stdout).not.toMatch(controls)
  })

  test('of several objects leads from one after the other, and reads the namespace once', async () => {
    api.put(squad, failing, object('Model', 'eagle', {}, condition('Ready', 'True', 'Done')))
    const { code, stdout } = await run('why model eagle falcon')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Model "eagle": .*\n(.*\n)*\nModel "falcon": not Ready: Failed/)
    expect(api.requests.filter((line) => line.endsWith('/pods'))).toHaveLength(1)
  })

  test('begins with the first object that exists, without an empty line', async () => {
    api.put(squad)
    const { code, stdout } = await run('why dataset nothing squad')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^Dataset "squad": Ready: Done/)
  })

  test('of several objects repeats a failed read when it comes to the next object', async () => {
    api.put(squad, failing)
    api.refusals.set('/jobs', { code: 500, message: 'etcdserver: request timed out', isOnce: true })
    const { code, stdout, stderr } = await run('why dataset/squad model/falcon')
    expect([code, stderr]).toEqual([1, 'error: etcdserver: request timed out\n'])
    expect(stdout).toMatch(/^Model "falcon": not Ready: Failed/)
  })

  test('without the right to read Pods and Events tells the rest', async () => {
    api.put(squad, failing, job('run'))
    api.refusals.set('/pods', { code: 403, message: 'pods is forbidden' })
    api.refusals.set('/events', { code: 403, message: 'events is forbidden' })
    const { code, stdout, stderr } = await run('why model falcon')
    expect(code).toBe(0)
    expect(stderr).toContain('note: Pods are left out: pods is forbidden\n')
    expect(stderr).toContain('note: Events are left out: events is forbidden\n')
    expect(stdout).toContain('Job "falcon-model-run"')
  })
})

describe('what changes an object', () => {
  const patches = () => api.requests.filter((line) => line.startsWith('PATCH'))
  const path = '/apis/substratus.ai/v1/namespaces/team/models/falcon'

  test('suspend and resume write the field of the spec', async () => {
    api.put(running)
    const suspended = await run('suspend model falcon')
    expect([suspended.code, suspended.stdout]).toEqual([
      0,
      'Model "falcon" is suspended; what it has stored remains: kubectl substratus resume model falcon resumes it\n',
    ])
    expect(api.get('Model', 'falcon')?.spec).toMatchObject({ suspend: true })
    expect((await run('resume models/falcon')).stdout).toBe('Model "falcon" is resumed\n')
    expect(patches()).toEqual([
      `PATCH ${path} {"spec":{"suspend":true}}`,
      `PATCH ${path} {"spec":{"suspend":false}}`,
    ])
  })

  test('of several objects, what is wrong with one does not stop the others', async () => {
    api.put(squad, running)
    const { code, stdout, stderr } = await run('suspend dataset/squad model/flacon model/falcon')
    expect(code).toBe(1)
    expect(stderr).toBe(
      'error: Model "flacon" does not exist in namespace "team"; models there: falcon\n',
    )
    expect(stdout).toMatch(/^Dataset "squad" is suspended;.*\nModel "falcon" is suspended;.*\n$/)
    for (const [kind, name] of [
      ['Dataset', 'squad'],
      ['Model', 'falcon'],
    ] as const)
      expect(api.get(kind, name)?.spec).toMatchObject({ suspend: true })
  })

  test('is changed for each object, even if nobody reads the output', async () => {
    api.put(squad, running)
    const { code, stopReading, printed } = started('suspend dataset/squad model/falcon model/eagle')
    stopReading()
    expect(await code).toBe(1)
    expect(printed.stderr).toMatch(/^error: Model "eagle" does not exist.*\n$/)
    expect(patches()).toHaveLength(2)
  })

  test('rerun writes a new value of its annotation, each time', async () => {
    api.put(running)
    for (const _ of [1, 2]) expect((await run('rerun model falcon')).code).toBe(0)
    const values = patches().map((line) => /"substratus.ai\/rerun":"([^"]+)"/.exec(line)?.[1])
    expect(new Set(values).size).toBe(2)
    for (const value of values) expect(value).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  test('an object that is named twice is changed once', async () => {
    api.put(running)
    expect((await run('rerun model falcon falcon')).stdout.trim().split('\n')).toHaveLength(1)
    expect(patches()).toHaveLength(1)
  })

  test.each([
    ['model ..', `invalid resource name "..": [may not be '..']`],
    ['models falcon -n ..', `invalid namespace "..": [may not be '..']`],
  ])('%s leads to no other path of the API server', async (words, why) => {
    api.put(running)
    const { code, stderr } = await run(`suspend ${words}`)
    expect(code).toBeGreaterThan(0)
    expect(stderr).toContain(why)
    expect(api.requests).toEqual([])
  })

  test('what cannot be done is told, and nothing is written', async () => {
    api.put(running)
    const { code, stderr } = await run('rollout model falcon')
    expect([code, stderr]).toEqual([
      1,
      'error: Model "falcon" has no Pods to replace: only a ModelServer is rolled out\n',
    ])
    expect(patches()).toEqual([])
  })

  test('what is forbidden tells the role that edits', async () => {
    api.put(running)
    const message =
      'models.substratus.ai "falcon" is forbidden: User "system:serviceaccount:ci:bot" cannot patch resource "models"'
    api.refusals.set('PATCH', { code: 403, message })
    const { code, stdout, stderr } = await run('suspend model falcon')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(
      'kubectl create rolebinding bot-edit -n team --clusterrole=edit --serviceaccount=ci:bot\n',
    )
  })
})

const line = (second: number, text: string) => `2026-01-01T00:00:0${second}Z ${text}\n`

describe('logs', () => {
  test('prints the log of the newest Pod alone on standard output, without escape sequences', async () => {
    api.put(
      running,
      job('build'),
      job('run'),
      pod('build', 1, ended),
      pod('run', 2, { running: {} }),
    )
    api.log = (name, query, res) =>
      res.end(line(1, `${name} ${query.get('container')} ${evil.replace('\n', '')}`))
    const { code, stdout, stderr } = await run('logs model falcon')
    expect([code, stderr]).toEqual([0, 'stage run: Pod "falcon-model-run-x", container "run"\n'])
    expect(stdout).toBe('falcon-model-run-x run ]0;ownedroot# \n')
  })

  test('of a Pod that pretends to be its own are not read', async () => {
    const forged = pod('run', 2, { running: {} })
    api.put(running, { ...forged, metadata: { ...forged.metadata, ownerReferences: [] } })
    const { code, stderr } = await run('logs model falcon')
    expect(code).toBe(1)
    expect(stderr).toBe(
      'error: Model "falcon" has no Pod now, and so no log; it is not Ready: Running: Pod "x" is running\n',
    )
  })

  test('of a node that does not answer, the node is named', async () => {
    const { spec, ...placed } = pod('run', 2, { running: {} })
    api.put(running, job('run'), { ...placed, spec: { ...spec, nodeName: 'node-7' } })
    api.refusals.set('/log', { code: 500, message: 'dial tcp 10.0.0.1:10250: no route to host' })
    const { code, stderr } = await run('logs model falcon')
    expect(code).toBe(1)
    expect(stderr).toContain(
      'error: node "node-7" of Pod "falcon-model-run-x" does not answer the API server, and only it has the log (dial tcp 10.0.0.1:10250: no route to host): kubectl describe node node-7 shows its state\n',
    )
  })

  test('-f goes from stage to stage, and over a cut connection without a repetition', async () => {
    const open = new Map<string, ServerResponse>()
    const asked: string[] = []
    api.log = (name, query, res) => {
      asked.push(`${name} ${query.get('sinceTime')}`)
      open.set(name, res)
      res.write(line(1, `${name} one`))
      if (query.has('sinceTime')) res.write(line(2, `${name} two`))
    }
    api.put(running, job('run'), pod('run', 1, { running: {} }))
    const { printed, code } = started('logs model falcon -f')
    await soon(() => expect(printed.stdout).toBe('falcon-model-run-x one\n'))
    open.get('falcon-model-run-x')?.destroy()
    await soon(() => expect(printed.stdout).toContain('falcon-model-run-x two\n'))
    api.put(pod('run', 1, ended))
    open.get('falcon-model-run-x')?.end()
    await soon(() => expect(printed.stderr).toContain('exited with 0\n'))
    await soon(() => expect(printed.stderr).toContain('waiting: Running: Pod "x" is running\n'))
    api.put(job('seal'), pod('seal', 2, { running: {} }))
    await soon(() => expect(printed.stdout).toContain('falcon-model-seal-x one\n'))
    api.remove('Pod', 'falcon-model-seal-x')
    open.get('falcon-model-seal-x')?.end()
    await soon(() =>
      expect(printed.stderr).toContain('Pod "falcon-model-seal-x" is gone, and its log with it\n'),
    )
    api.put(object('Model', 'falcon', {}, condition('Ready', 'True', 'Done', 'here')))
    expect(await code).toBe(0)
    expect(printed.stderr.trimEnd().split('\n').at(-1)).toBe('Model "falcon" is Ready: Done: here')
    expect(printed.stdout).toBe(
      ['run-x one', 'run-x two', 'seal-x one'].map((words) => `falcon-model-${words}\n`).join(''),
    )
    expect(asked.slice(0, 2)).toEqual([
      'falcon-model-run-x null',
      'falcon-model-run-x 2026-01-01T00:00:01Z',
    ])
  })

  test('-f ends at once when its reader has seen enough', async () => {
    let answer: ServerResponse | undefined
    api.log = (_name, _query, res) => {
      answer = res
      res.write(line(1, 'one'))
    }
    api.put(running, job('run'), pod('run', 1, { running: {} }))
    const { printed, code, stopReading } = started('logs model falcon -f')
    await soon(() => expect(printed.stdout).toBe('one\n'))
    stopReading()
    answer?.write(line(2, 'two'))
    expect(await code).toBe(0)
  })

  test('-f ends with 1 when the object is stalled', async () => {
    const stalled = condition('Stalled', 'True', 'Failed')
    const { kind, metadata, spec } = failing
    const status = {
      conditions: [...((failing.status as { conditions: [] }).conditions ?? []), stalled],
    }
    api.put({ kind, metadata, spec, status } as Stored)
    const { code, stderr } = await run('logs model falcon --follow')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error: Model "falcon" is not Ready: Failed: /)
  })
})

describe('watch', () => {
  test('ends at once when its reader has seen enough', async () => {
    api.put(squad)
    const { code, stopReading } = started('watch')
    stopReading()
    expect(await code).toBe(0)
  })

  test('prints a line for each change to a pipe, and tells when the API server does not answer', async () => {
    api.put(squad, running)
    const { printed } = started('watch')
    const lines = () =>
      printed.stdout
        .trimEnd()
        .split('\n')
        .map((one) => one.trim().split(/\s+/).slice(0, 4).join(' '))
    await soon(() =>
      expect(lines()).toEqual([
        'KIND NAME READY REASON',
        'Dataset squad True Done',
        'Model falcon False Running',
      ]),
    )
    api.put(failing)
    await soon(() => expect(lines().at(-1)).toBe('Model falcon False Failed'))
    expect(printed.stdout).not.toMatch(controls)
    api.remove('Model', 'falcon')
    await soon(() => expect(lines().at(-1)).toBe('Model falcon - Deleted'))
    await api.down()
    await soon(() =>
      expect(printed.stderr).toMatch(/^cannot read from the API server: .*; trying again\n/),
    )
    await api.up()
    api.put(chat)
    await soon(() => expect(lines().at(-1)).toBe('ModelServer chat False Waiting'))
  })

  test('of what may not be read ends at once, with the binding that would allow it', async () => {
    const message = 'User "jane" cannot list resource "datasets"'
    api.refusals.set('/datasets', { code: 403, message })
    const { code, stderr } = await run('watch')
    expect(code).toBe(1)
    expect(stderr).toContain('--clusterrole=view --user=jane')
  })

  test.each([
    {
      what: 'a bar',
      when: 'the percentage is known',
      progress: { percent: 45, summary: '45% loss 0.51' },
      shows: '████░░░░░░ 45% loss 0.51  Pod "x" is running\n',
    },
    {
      what: 'words',
      when: 'it is not',
      progress: { step: 450, summary: 'step 450 loss 0.51' },
      shows: '  step 450 loss 0.51  Pod "x" is running\n',
    },
  ])('has $what where work reports its progress and $when', async ({ progress, shows }) => {
    const { status, ...model } = running
    api.put({ ...model, status: { ...status, progress } } as Stored)
    const { printed } = started('watch models')
    await soon(() => expect(printed.stdout).toContain(shows))
  })
})

describe('completion', () => {
  const completing = async (words: string) => (await run(words, 'cli/completemain.ts')).stdout

  test('has the names of the cluster', async () => {
    api.put(squad, running, object('Model', 'qwen', {}))
    expect(await completing('why model fal')).toBe('falcon\n:4\n')
    expect(await completing('logs models/')).toBe('models/falcon\nmodels/qwen\n:4\n')
    expect(await completing('tree --context ')).toBe('here\n:4\n')
  })

  test('without a cluster has nothing to say, and no error', async () => {
    await api.down()
    const { code, stdout, stderr } = await run('why model fal', 'cli/completemain.ts')
    expect([code, stdout, stderr]).toEqual([0, ':4\n', ''])
    await api.up()
  })
})
