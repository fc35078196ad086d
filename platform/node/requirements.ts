import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { dnsPort, nodePorts } from './addresses.ts'

/** What a real node needs of this machine, beside binaries: all that is missing is said at once. */

interface Need {
  /** What for, and of what it is a part. */
  readonly what: string
  readonly package: string
  readonly isThere: (machine: Machine) => boolean
}

/** The machine as the needs see it; a test has one of its own. */
export interface Machine {
  readonly platform: string
  readonly uid: number
  readonly controllers: readonly string[]
  readonly program: (name: string) => string | undefined
  readonly file: (path: string) => boolean
  /** Linux' tables of sockets, as /proc/net has them. */
  readonly sockets: { readonly tcp: string; readonly udp: string }
}

/** A program on the PATH, or where administrators' programs lie. */
export const program = (name: string, packageName: string): Need => ({
  what: name,
  package: packageName,
  isThere: ({ program }) => program(name) !== undefined,
})

const needs: readonly Need[] = [
  program('runc', 'runc'),
  program('iptables', 'iptables'),
  program('conntrack', 'conntrack'),
  program('ip', 'iproute2'),
  program('debootstrap', 'debootstrap'),
  program('setcap', 'libcap2-bin'),
  program('git', 'git'),
  program('sshd', 'openssh-server'),
  program('ssh-keygen', 'openssh-client'),
  program('mount', 'mount'),
  program('ps', 'procps'),
  { what: '/bin/busybox', package: 'busybox-static', isThere: ({ file }) => file('/bin/busybox') },
  {
    what: '/usr/lib/cni/bridge',
    package: 'containernetworking-plugins',
    isThere: ({ file }) => file('/usr/lib/cni/bridge'),
  },
  {
    what: 'git http-backend',
    package: 'git',
    isThere: ({ file }) => file('/usr/lib/git-core/git-http-backend'),
  },
  {
    what: 'pip (huggingface_hub is installed with it)',
    package: 'python3-pip',
    isThere: ({ program }) => program('pip3') !== undefined,
  },
]

const cgroups = ['cpu', 'cpuset', 'memory', 'pids'] as const

/** What is missing, a line each; nothing when a node can run here. */
export function missingFor(machine: Machine, more: readonly Need[] = []): readonly string[] {
  if (machine.platform !== 'linux') return [`Linux: this is ${machine.platform}`]
  const absent = [...needs, ...more].filter(({ isThere }) => !isThere(machine))
  const taken = takenPorts(machine.sockets)
  const lacking = cgroups.filter((name) => !machine.controllers.includes(name))
  return [
    ...(machine.uid === 0 ? [] : ['root: containers, mounts and a bridge are made']),
    ...(lacking.length ? [`cgroup controllers: ${lacking.join(', ')}`] : []),
    ...(absent.length
      ? [
          `programs: ${absent.map(({ what }) => what).join(', ')}; on Debian: apt-get install ${[...new Set(absent.map((need) => need.package))].join(' ')}`,
        ]
      : []),
    ...(taken.length
      ? [`ports ${taken.join(', ')}: other programs listen there on all addresses`]
      : []),
  ]
}

/**
 * Ports of the node on which a program listens on all addresses. One that listens on a single address
 * is no hindrance: the node has an address of its own, which is not there yet.
 */
function takenPorts({ tcp, udp }: Machine['sockets']): readonly number[] {
  const everywhere = (table: string): readonly number[] =>
    [...table.matchAll(/^ *\d+: 0+:([0-9A-F]{4}) 0+:0000 (0A|07) /gm)].map(([, port]) =>
      Number.parseInt(port ?? '', 16),
    )
  const [stream, datagram] = [everywhere(tcp), everywhere(udp)]
  return nodePorts.filter(
    (port) => stream.includes(port) || (port === dnsPort && datagram.includes(port)),
  )
}

/** `more` is what somebody needs beside the node itself. */
export function checkMachine(more: readonly Need[] = []): void {
  const missing = missingFor(thisMachine(), more)
  if (missing.length)
    throw new Error(
      ['a real node cannot run here. It needs', ...missing.map((line) => `  ${line}`)].join('\n'),
    )
}

/** Where administrators' programs lie is not always on PATH. */
export const programPath = (env: NodeJS.ProcessEnv = process.env): string =>
  [env.PATH, '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(Boolean).join(delimiter)

export function programNamed(name: string): string | undefined {
  const isExecutable = (path: string) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  }
  return programPath()
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

const thisMachine = (): Machine => ({
  platform: process.platform,
  uid: process.getuid?.() ?? -1,
  controllers: controllers(),
  program: programNamed,
  file: existsSync,
  sockets: {
    tcp: socketTable('tcp') + socketTable('tcp6'),
    udp: socketTable('udp') + socketTable('udp6'),
  },
})

function socketTable(name: string): string {
  try {
    return readFileSync(`/proc/net/${name}`, 'utf8')
  } catch {
    // Another system than Linux, or a kernel without IPv6.
    return ''
  }
}

/** Version 2 lists them in one file; version 1 mounts each. */
function controllers(): readonly string[] {
  try {
    return readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' ')
  } catch {
    return cgroups.filter((name) => existsSync(`/sys/fs/cgroup/${name}`))
  }
}
