import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { root } from '../../terminal/root.ts'
import {
  apply,
  get,
  jobsCreated,
  manifest,
  namespace,
  ok,
  readyOf,
  until,
  untilReady,
} from './cluster.ts'

/**
 * kubectl substratus on a real API server, as kubectl starts it. Its nodes are simulated, so no log can be
 * read; test/protocol/look.test.ts has those.
 */

const cluster = inject('cluster')
const folder = mkdtempSync(join(tmpdir(), 'substratus-look-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The names of package.json, as npm links them. */
beforeAll(() => {
  const programs = {
    'kubectl-substratus': 'main.ts',
    'kubectl_complete-substratus': 'completemain.ts',
  }
  for (const [name, program] of Object.entries(programs)) {
    const path = join(root, 'cli', program)
    const script = `#!/bin/sh\nexec ${process.execPath} ${path} "$@"\n`
    writeFileSync(join(folder, name), script, { mode: 0o755 })
  }
})

const envOf = (kubeconfig: string) => ({
  ...process.env,
  PATH: `${folder}:${process.env.PATH}`,
  KUBECONFIG: kubeconfig,
})

/** `kubectl substratus …` as a person types it. */
function typed(words: string, kubeconfig = cluster.kubeconfig) {
  const args = ['substratus', ...words.split(' ')]
  const { status, stdout, stderr } = spawnSync(cluster.kubectl, args, {
    env: envOf(kubeconfig),
    encoding: 'utf8',
  })
  return { code: status, stdout, stderr }
}

const image = { image: 'example.com/model' }

describe('kubectl', () => {
  test('finds it on PATH, and it reads the objects', async () => {
    const ns = await namespace('look-found')
    await apply(
      ns,
      manifest('Model', 'm', image),
      manifest('Notebook', 'n', { model: { name: 'm' } }),
    )
    await untilReady(ns, 'notebook/n', 'True Serving')
    const { code, stdout } = typed(`tree -n ${ns}`)
    expect(code).toBe(0)
    const lines = stdout.split('\n').map((line) => line.split(/ {2,}/).slice(0, 3).join(' '))
    expect(lines.slice(0, 3)).toEqual([
      'NAME READY REASON',
      'Model/m True Done',
      '└─Notebook/n True Serving',
    ])
  })

  test.each([
    { words: 'lo', is: ['logs\tThe log of the stage under way, or of the last one.', ':4'] },
    { words: 'why notebook ', is: ['n', ':4'] },
    { words: 'logs notebook n --stage ser', is: ['serve', ':4'] },
    { words: 'validate -f ', is: [':0'] },
  ])('completes "$words" by its own completion, whatever the shell', async ({ words, is }) => {
    const ns = await namespace('look-complete')
    await apply(ns, manifest('Notebook', 'n', {}))
    const [first = '', ...more] = words.split(' ')
    const where = first === 'why' ? ['-n', ns] : []
    const args = [
      '__complete',
      'substratus',
      ...(more.length ? [first, ...where, ...more] : [first]),
    ]
    const { stdout } = spawnSync(cluster.kubectl, args, {
      env: envOf(cluster.kubeconfig),
      encoding: 'utf8',
    })
    expect(stdout.trim().split('\n')).toEqual(is)
  })
})

test('why leads from a server to the Pod that no node can take, and to the scheduler’s words', async () => {
  const ns = await namespace('look-why')
  await apply(
    ns,
    manifest('Dataset', 'd', { source: 'hf://a/b', resources: { cpu: 4000 } }),
    manifest('Model', 'm', { ...image, command: ['train'], dataset: { name: 'd' } }),
    manifest('ModelServer', 's', { model: { name: 'm' } }),
  )
  await untilReady(ns, 'dataset/d', 'False Unschedulable')
  await untilReady(ns, 'modelserver/s', 'False Waiting')
  const { code, stdout } = typed(`why mserver/s -n ${ns}`)
  expect(code).toBe(0)
  const lines = stdout.trim().split('\n')
  expect(lines[0]).toBe('ModelServer "s": not Ready: Waiting: waiting for Model "m": Waiting')
  expect(lines[1]).toBe('└─Model "m": not Ready: Waiting: waiting for Dataset "d": Unschedulable')
  expect(lines[2]).toMatch(/^ {2}└─Dataset "d": not Ready: Unschedulable: 0\/4 nodes are available/)
  expect(lines[3]).toMatch(/^ {4}└─Job "d-dataset-load-[0-9a-f]{8}": 1 of its Pods active$/)
  expect(lines[4]).toMatch(
    /^ {6}└─Pod "d-dataset-load-\S+": Unschedulable: 0\/4 nodes are available/,
  )
  expect(lines[5]).toMatch(
    /^ {10}Warning FailedScheduling \(\d+s ago.*\): 0\/4 nodes are available/,
  )
  expect(lines.at(-1)).toBe('  kubectl describe nodes')
})

test('rerun runs finished work again, and suspend and resume stop and start it', async () => {
  const ns = await namespace('look-change')
  await apply(ns, manifest('Dataset', 'd', { source: 'hf://a/b' }))
  await untilReady(ns, 'dataset/d', 'True Done')
  const before = jobsCreated(ns).length
  expect(typed(`rerun dataset d -n ${ns}`)).toMatchObject({ code: 0, stderr: '' })
  await until(
    async () => jobsCreated(ns).length,
    (count) => count > before,
  )
  await untilReady(ns, 'dataset/d', 'True Done')
  expect(typed(`suspend dataset d -n ${ns}`).code).toBe(0)
  expect(typed(`rerun dataset d -n ${ns}`).stdout).toContain('runs again once it is resumed')
  await untilReady(ns, 'dataset/d', 'True Suspended')
  const suspended = jobsCreated(ns).length
  expect(typed(`resume dataset d -n ${ns}`).stdout).toBe('Dataset "d" is resumed\n')
  await untilReady(ns, 'dataset/d', 'True Done')
  expect(jobsCreated(ns).length).toBeGreaterThan(suspended)
})

test('watch prints what changes, as it changes', async () => {
  const ns = await namespace('look-watch')
  const child = spawn(cluster.kubectl, ['substratus', 'watch', '-n', ns], {
    env: envOf(cluster.kubeconfig),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => {
      printed[name] += chunk
    })
  const says = (what: RegExp) =>
    until(
      async () => printed.stdout,
      (text) => what.test(text),
    )
  try {
    await until(
      async () => printed.stderr,
      (text) => text.includes('no objects yet'),
    )
    await apply(ns, manifest('Model', 'm', image))
    await says(/^Model +m +True +Done +the image is the model/m)
    await ok(['-n', ns, 'delete', 'model', 'm'])
    await says(/^Model +m +- +Deleted$/m)
  } finally {
    child.kill('SIGKILL')
  }
})

describe('a person who may only view', () => {
  let ns: string
  let kubeconfig: string

  /** The roles that the chart adds to Kubernetes' own, by their labels. */
  const roles = (['view', 'edit'] as const).map((role) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: {
      name: `look-${role}`,
      labels: { [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true' },
    },
    rules: [
      {
        apiGroups: ['substratus.ai'],
        resources: ['datasets', 'models', 'modelservers', 'notebooks'],
        verbs: role === 'view' ? ['get', 'list', 'watch'] : ['create', 'update', 'patch', 'delete'],
      },
    ],
  }))

  beforeAll(async () => {
    ns = await namespace('look-view')
    await apply(ns, ...roles.map((role) => JSON.stringify(role)))
    await ok(['-n', ns, 'create', 'serviceaccount', 'viewer'])
    const subject = `--serviceaccount=${ns}:viewer`
    await ok(['-n', ns, 'create', 'rolebinding', 'viewer', '--clusterrole=view', subject])
    const token = (await ok(['-n', ns, 'create', 'token', 'viewer'])).trim()
    const config = parse(readFileSync(cluster.kubeconfig, 'utf8'))
    kubeconfig = join(folder, 'viewer.kubeconfig')
    const users = config.users.map((user: object) => ({ ...user, user: { token } }))
    writeFileSync(kubeconfig, JSON.stringify({ ...config, users }))
    await apply(
      ns,
      manifest('Model', 'm', image),
      manifest('ModelServer', 's', { model: { name: 'm' } }),
    )
    await untilReady(ns, 'modelserver/s', 'True Serving')
  })
  afterAll(() => ok(['delete', 'clusterrole', ...roles.map(({ metadata }) => metadata.name)]))

  const may = (words: string) => typed(`${words} -n ${ns}`, kubeconfig)

  test('sees the tree, and why', async () => {
    await until(
      async () => may('tree'),
      ({ code }) => code === 0,
    )
    expect(may('tree mserver s').stdout).toMatch(/^ModelServer\/s +True +Serving/m)
    const why = may('why mserver s')
    expect([why.code, why.stderr]).toEqual([0, ''])
    expect(why.stdout).toContain('ModelServer "s": Ready: Serving: 1 of 1 replicas available\n')
  })

  test('asks for the log, which simulated nodes do not have', () => {
    const { code, stderr } = may('logs mserver s')
    expect(code).toBe(1)
    expect(stderr).toContain('stage serve: Pod "s-server-')
    expect(stderr).not.toContain('forbidden')
  })

  test('may not change anything, and is told the binding that allows it, which does', async () => {
    const { code, stdout, stderr } = may('suspend mserver s')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(
      `error: modelservers.substratus.ai "s" is forbidden: User "system:serviceaccount:${ns}:viewer" cannot patch resource`,
    )
    expect(readyOf(await get(ns, 'modelserver/s'))).toMatch(/^True Serving/)
    const [, command = ''] = /^ {2}kubectl (create rolebinding .*)$/m.exec(stderr) ?? []
    await ok(command.split(' '))
    await until(
      async () => may('suspend mserver s'),
      (result) => result.code === 0,
    )
    await untilReady(ns, 'modelserver/s', 'True Suspended')
  })

  test('of one namespace is told so, when asking for all', () => {
    const { code, stderr } = typed('tree -A', kubeconfig)
    expect(code).toBe(1)
    expect(stderr).toContain('one namespace, with -n instead of -A, needs fewer rights')
    expect(stderr).toContain('kubectl create clusterrolebinding viewer-view --clusterrole=view')
  })
})
