import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { imageNamed, nodeName } from '../../platform/node/addresses.ts'
import { until } from '../cluster/cluster.ts'
import { ownFolder } from '../cluster/typed.ts'

/** `up --node` as a person types it; it leaves nothing behind on the machine. */

let own: ReturnType<typeof ownFolder>
beforeEach(() => {
  own = ownFolder()
  expect(left()).toEqual(nothing)
})
afterEach(async () => {
  await own.run('down')
  own.remove()
})

const outputOf = (file: string, ...args: readonly string[]): readonly string[] =>
  execFileSync(file, args, { encoding: 'utf8' }).split('\n')

/** What a node uses on the machine, apart from its folder. */
const left = () => ({
  processes: own.processes(),
  mounts: readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(own.dir)),
  links: outputOf('ip', '-o', 'link').filter((line) => line.includes('substratus')),
  cgroups: [
    '/sys/fs/cgroup',
    ...readdirSync('/sys/fs/cgroup').map((tree) => join('/sys/fs/cgroup', tree)),
  ].filter((tree) => existsSync(join(tree, 'substratus'))),
  rules: outputOf('iptables', '-t', 'nat', '-S').filter((line) => line.includes('KUBE-SVC')),
})
const nothing = { processes: [], mounts: [], links: [], cgroups: [], rules: [] }
const isPart = (what: readonly unknown[]): boolean => what.length > 0

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended together with another one.
  }
}

test('Ctrl-C while the node starts leaves nothing behind', async () => {
  const started = own.start('up', '--node')
  await started.untilOutput('starting containerd, the kubelet and kube-proxy', 120)
  await until(
    async () => own.processes(),
    (lines) => lines.some((line) => line.includes('kubelet --kubeconfig')),
  )
  started.child.kill('SIGINT')
  expect(await started.code).toBe(130)
  expect(started.output()).toMatch(/interrupted; ended\n$/)
  expect(left()).toEqual(nothing)
  expect(existsSync(own.dir)).toBe(false)
})

test('down cleans up after all processes were killed while a container ran', async () => {
  const up = await own.run('up', '--node')
  expect(up.output).toContain(`Its node "${nodeName}" is this machine`)
  expect(up.code).toBe(0)
  const [, kubeconfig = ''] = /export KUBECONFIG=(\S+)/.exec(up.output) ?? []
  const kubectl = (...args: readonly string[]) =>
    outputOf('kubectl', '--kubeconfig', kubeconfig, ...args)
  const image = imageNamed('base/busybox:1')
  // A new namespace has no ServiceAccount for a moment.
  await until(
    async () => kubectl('run', 'sleeper', `--image=${image}`, '--command', '--', 'sleep', '1000'),
    isPart,
  )
  kubectl('wait', '--for=condition=Ready', 'pod/sleeper', '--timeout=60s')
  expect(Object.entries(left()).filter(([, there]) => !isPart(there))).toEqual([])

  for (const line of own.processes()) kill(Number(line.trim().split(' ')[0]))
  expect(left().mounts.length).toBeGreaterThan(0)
  expect((await own.run('down')).code).toBe(0)
  expect(left()).toEqual(nothing)
  expect(existsSync(own.dir)).toBe(false)
})
