import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { root } from '../../terminal/root.ts'
import { apply, get, manifest, namespace, ok, readyOf, until, untilReady } from './cluster.ts'

/**
 * kubectl open on a real API server. Its nodes are simulated, so no Pod can be reached; these are the
 * steps before that. test/protocol/open.test.ts has the others.
 */

const cluster = inject('cluster')
const folder = mkdtempSync(join(tmpdir(), 'substratus-open-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs the command as a person types it, and returns its lines so far. */
function open(ns: string, words: string, kubeconfig = cluster.kubeconfig) {
  const child = spawn(
    process.execPath,
    ['open/main.ts', ...words.split(' '), '-n', ns, '--kubeconfig', kubeconfig, '--no-browser'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let text = ''
  const add = (chunk: Buffer) => {
    text += chunk
  }
  child.stdout.on('data', add)
  child.stderr.on('data', add)
  const code = new Promise<number | null>((resolve) => child.on('close', resolve))
  const lines = () => text.trim().split('\n')
  return { code, lines, interrupt: () => child.kill('SIGINT') }
}

const says = (lines: () => readonly string[], what: RegExp) =>
  until(
    async () => lines(),
    (all) => all.some((line) => what.test(line)),
  )

const unreachable = /cannot be reached: error dialing backend/

test('kubectl finds it on PATH as a plugin', async () => {
  const plugin = join(folder, 'kubectl-open')
  const program = join(root, 'open', 'main.ts')
  writeFileSync(plugin, `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, { mode: 0o755 })
  const env = {
    ...process.env,
    PATH: `${folder}:${process.env.PATH}`,
    KUBECONFIG: cluster.kubeconfig,
  }
  const run = (...args: readonly string[]) =>
    spawnSync(cluster.kubectl, args, { env, encoding: 'utf8' })
  expect(run('plugin', 'list').stdout).toContain(plugin)
  const { status, stderr } = run('open', 'notebook', 'nobodys', '-n', 'default')
  expect(stderr).toMatch(/^error: Notebook "nobodys" does not exist in namespace "default"/)
  expect(status).toBe(1)
})

test('a suspended notebook is resumed, and left running; the output follows Ready meanwhile', async () => {
  const ns = await namespace('open-suspended')
  await apply(ns, manifest('Notebook', 'explore', { suspend: true }))
  await untilReady(ns, 'notebook/explore', 'True Suspended')
  const { code, lines, interrupt } = open(ns, 'notebook explore')
  await says(lines, unreachable)
  expect(lines()[0]).toBe('Notebook "explore" is suspended: resuming it')
  expect(lines()[1]).toMatch(/^waiting for Notebook "explore": /)
  interrupt()
  expect(await code).toBe(0)
  expect(lines().at(-1)).toBe(
    'Notebook "explore" is left running: kubectl open notebook explore --suspend stops it',
  )
  const { spec } = await get(ns, 'notebook/explore')
  expect(spec.suspend).toBe(false)
  await untilReady(ns, 'notebook/explore', 'True Serving')
})

test('an idle notebook is started', async () => {
  const ns = await namespace('open-idle')
  await apply(ns, manifest('Notebook', 'explore', { idleTimeout: '1h' }))
  await untilReady(ns, 'notebook/explore', 'True Serving')
  const { metadata, status } = await get(ns, 'pod/explore-notebook-0')
  const containerStatuses = status.containerStatuses.map((it: { name: string }) =>
    it.name === 'idle'
      ? {
          ...it,
          lastState: {
            terminated: { exitCode: 0, message: 'idle', containerID: 'containerd://1' },
          },
        }
      : it,
  )
  await ok(
    ['-n', ns, 'patch', 'pod', metadata.name, '--subresource=status', '--type=merge', '-p'].concat(
      JSON.stringify({ status: { containerStatuses } }),
    ),
  )
  // On a real node the container ends, which changes the StatefulSet and so causes a sync. Here only the
  // last state is written, so the next sync would come a minute later.
  await until(
    async () => {
      await ok(['-n', ns, 'annotate', '--overwrite', 'notebook', 'explore', `seen=${Date.now()}`])
      return readyOf(await get(ns, 'notebook/explore'))
    },
    (ready) => ready.startsWith('True Idle'),
  )
  const { code, lines, interrupt } = open(ns, 'nb/explore')
  await says(lines, unreachable)
  expect(lines()[0]).toBe('Notebook "explore" is idle: waking it')
  interrupt()
  expect(await code).toBe(0)
  await untilReady(ns, 'notebook/explore', 'True Serving')
})

test('a notebook that no node has room for is reported with the scheduler’s message', async () => {
  const ns = await namespace('open-room')
  await apply(ns, manifest('Notebook', 'explore', { resources: { cpu: 4000 } }))
  const { code, lines, interrupt } = open(ns, 'notebook explore')
  await says(lines, /^waiting for Notebook "explore": Unschedulable: 0\/4 nodes are available: /)
  interrupt()
  expect(await code).toBe(0)
})

test('an error for a wrong name lists the names that exist', async () => {
  const ns = await namespace('open-name')
  const wrong = open(ns, 'notebook explor')
  expect(await wrong.code).toBe(1)
  expect(wrong.lines()).toEqual([
    `error: Notebook "explor" does not exist in namespace "${ns}", and no other notebook does`,
  ])
  await apply(ns, manifest('Notebook', 'explore', {}))
  const again = open(ns, 'notebook explor')
  expect(await again.code).toBe(1)
  expect(again.lines()).toEqual([
    `error: Notebook "explor" does not exist in namespace "${ns}"; notebooks in namespace "${ns}": explore`,
  ])
})

test.each(['notebook', 'modelserver'])('--suspend suspends a %s', async (kind) => {
  const ns = await namespace('open-suspend')
  await apply(
    ns,
    manifest('Model', 'm', { image: 'example.com/model' }),
    kind === 'notebook'
      ? manifest('Notebook', 'it', {})
      : manifest('ModelServer', 'it', { model: { name: 'm' } }),
  )
  await untilReady(ns, `${kind}/it`, 'True Serving')
  const { code, lines } = open(ns, `${kind} it --suspend`)
  expect(await code).toBe(0)
  expect(lines()[0]).toContain(`"it" is suspended`)
  await untilReady(ns, `${kind}/it`, 'True Suspended')
})

describe('rights to open', () => {
  /** A kubeconfig with only these rights. */
  async function somebody(ns: string, rules: readonly object[]): Promise<string> {
    const name = 'somebody'
    const subject = { kind: 'ServiceAccount', name, namespace: ns }
    const all = [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name }, rules },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [subject],
      },
    ]
    await apply(ns, ...all.map((object) => JSON.stringify(object)))
    const token = (await ok(['-n', ns, 'create', 'token', name])).trim()
    const config = parse(readFileSync(cluster.kubeconfig, 'utf8'))
    const file = join(folder, `${ns}.kubeconfig`)
    writeFileSync(
      file,
      JSON.stringify({
        ...config,
        users: config.users.map((user: object) => ({ ...user, user: { token } })),
      }),
    )
    return file
  }

  /** The rules of docs/notebooks.md. */
  const documented = (): readonly { readonly resources: readonly string[] }[] => {
    const text = readFileSync('docs/notebooks.md', 'utf8')
    const [, yaml = ''] = /```yaml\n(kind: Role\n[\s\S]*?)```/.exec(text) ?? []
    return parse(yaml).rules
  }

  test('the rules of docs/notebooks.md suffice', async () => {
    const ns = await namespace('open-may')
    const kubeconfig = await somebody(ns, documented())
    await apply(ns, manifest('Notebook', 'explore', { suspend: true }))
    const { code, lines, interrupt } = open(ns, 'notebook explore', kubeconfig)
    await says(lines, unreachable)
    interrupt()
    expect(await code).toBe(0)
    expect(readyOf(await get(ns, 'notebook/explore'))).toBe(
      'True Serving: kubectl port-forward svc/explore-notebook 8888',
    )
  })

  test('those that docs/serve.md names suffice for all models at one address', async () => {
    const ns = await namespace('open-models')
    const kubeconfig = await somebody(ns, [
      {
        apiGroups: ['substratus.ai'],
        resources: ['modelservers'],
        verbs: ['list', 'watch', 'patch'],
      },
      { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
      { apiGroups: [''], resources: ['pods/portforward'], verbs: ['get', 'create'] },
      { apiGroups: ['apps'], resources: ['replicasets', 'deployments'], verbs: ['get'] },
    ])
    const server = { model: { name: 'm' } }
    await apply(ns, manifest('Model', 'm', { image: 'example.com/model' }))
    await apply(ns, manifest('ModelServer', 'it', server))
    await untilReady(ns, 'modelserver/it', 'True Serving')
    const { code, lines, interrupt } = open(ns, 'models --port 0', kubeconfig)
    await says(lines, /^it \(m\): ready$/)
    const base = lines().find((line) => line.startsWith('http://'))
    const answer = await fetch(`${base}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [] }),
    })
    expect(answer.status).toBe(502)
    expect(await answer.text()).toMatch(
      /ModelServer \\"it\\" did not answer: error dialing backend/,
    )
    await apply(ns, manifest('ModelServer', 'it', { ...server, suspend: true }))
    await says(lines, /^it \(m\): Suspended: /)
    interrupt()
    expect(await code).toBe(0)
  })

  test.each([
    {
      without: 'notebooks',
      words: /notebooks\.substratus\.ai "explore" is forbidden: User "\S+" cannot get resource/,
    },
    { without: 'pods', words: /pods is forbidden: User "\S+" cannot list resource "pods"/ },
    {
      without: 'pods/exec',
      words: /pods "explore-notebook-0" is forbidden: User "\S+" cannot \S+ resource "pods\/exec"/,
    },
  ])('without $without, the error is the API server’s message', async ({ without, words }) => {
    const ns = await namespace('open-may-not')
    const rules = documented().map((rule) => ({
      ...rule,
      resources: rule.resources.filter((resource) => resource !== without),
    }))
    const kubeconfig = await somebody(
      ns,
      rules.filter(({ resources }) => resources.length),
    )
    await apply(ns, manifest('Notebook', 'explore', {}))
    await untilReady(ns, 'notebook/explore', 'True Serving')
    const { code, lines } = open(ns, 'notebook explore', kubeconfig)
    expect(await code).toBe(1)
    expect(lines()).toHaveLength(3)
    expect(lines()[2]).toMatch(/^kubectl create rolebinding \S+ -n \S+ --clusterrole=(view|edit) /)
    expect(lines()[0]).toMatch(/^error: /)
    expect(lines()[0]).toMatch(words)
  })
})
