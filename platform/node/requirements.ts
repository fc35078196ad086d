import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { dnsPort, nodePorts } from './addresses.ts'

/** What a real node needs on this machine, apart from binaries. Everything that is missing is listed at once. */

interface Need {
  /** What is needed, as the error names it. */
  readonly what: string
  readonly package: string
  readonly isThere: (machine: Machine) => boolean
}

/** What the requirements check; a test supplies its own. */
export interface Machine {
  readonly platform: string
  readonly uid: number
  readonly controllers: readonly string[]
  readonly program: (name: string) => string | undefined
  readonly file: (path: string) => boolean
  /** Linux' tables of sockets, as /proc/net has them. */
  readonly sockets: { readonly tcp: string; readonly udp: string }
}

/** A program on PATH or in the sbin folders. */
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

/** What is missing, one line each; empty if a node can run here. */
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
 * The node's ports on which some program listens on all addresses. A program that listens on a single
 * address does not conflict, because the node has its own address.
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

/** `more` are the needs of the caller in addition to those of the node. */
export function checkMachine(more: readonly Need[] = []): void {
  const missing = missingFor(thisMachine(), more)
  if (missing.length)
    throw new Error(
      ['a real node cannot run here. It needs', ...missing.map((line) => `  ${line}`)].join('\n'),
    )
}

/** The sbin folders are not always on PATH. */
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
    // Not Linux, or a kernel without IPv6.
    return ''
  }
}

/** cgroup v2 lists them in one file; v1 mounts each. */
function controllers(): readonly string[] {
  try {
    return readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' ')
  } catch {
    return cgroups.filter((name) => existsSync(`/sys/fs/cgroup/${name}`))
  }
}
