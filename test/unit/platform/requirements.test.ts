import { describe, expect, test } from 'vitest'
import { nodeTools } from '../../../platform/binaries/catalog.ts'
import { findIn } from '../../../platform/binaries/find.ts'
import { type Machine, missingFor, program } from '../../../platform/node/requirements.ts'

const good: Machine = {
  platform: 'linux',
  uid: 0,
  controllers: ['cpu', 'cpuset', 'memory', 'pids', 'io'],
  program: (name) => `/usr/bin/${name}`,
  file: () => true,
  sockets: { tcp: '', udp: '' },
}

const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1389 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12044 1
   1: 0100007F:138A 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12045 1
   2: 0200000A:138B 0100000A:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 12046 1
`
const udp6 = `  sl  local_address                         remote_address                        st tx_queue
  70: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 07 00000000
  71: 00000000000000000000000000000000:138C 00000000000000000000000000000000:0000 07 00000000
`

describe('everything that a real node lacks is listed at once', () => {
  test.each([
    { when: 'nothing is missing', machine: good, missing: [] },
    {
      when: 'it is not Linux',
      machine: { ...good, platform: 'darwin', uid: 501 },
      missing: ['Linux: this is darwin'],
    },
    {
      when: 'everything is missing',
      machine: {
        ...good,
        uid: 1000,
        controllers: ['cpu', 'pids'],
        program: (name: string) => (/^(runc|conntrack)$/.test(name) ? undefined : name),
        file: (path: string) => !path.startsWith('/usr/lib/cni'),
        sockets: { tcp, udp: udp6 },
      },
      missing: [
        'root: containers, mounts and a bridge are made',
        'cgroup controllers: cpuset, memory',
        'programs: runc, conntrack, /usr/lib/cni/bridge; on Debian: apt-get install runc conntrack containernetworking-plugins',
        'ports 53, 5001: other programs listen there on all addresses',
      ],
    },
  ])('when $when', ({ machine, missing }) => {
    expect(missingFor(machine)).toEqual(missing)
  })

  test('together with what the caller needs', () => {
    const machine = { ...good, program: (name: string) => (name === 'chromium' ? undefined : name) }
    expect(missingFor(machine, [program('chromium', 'chromium')])).toEqual([
      'programs: chromium; on Debian: apt-get install chromium',
    ])
  })
})

test.each([
  ['kubelet', 'Kubernetes v1.36.3', undefined],
  ['kubelet', 'Kubernetes v1.35.0', 'it is version 1.35, not 1.36'],
  ['containerd', 'containerd github.com/containerd/containerd/v2 2.2.0+unknown', undefined],
  [
    'containerd',
    'containerd github.com/containerd/containerd 1.6.20~ds1',
    'it is version 1.6.20~ds1, not 2.2.0',
  ],
  ['containerd-shim-runc-v2', 'containerd-shim-runc-v2:\n  Version:  2.2.0+unknown', undefined],
  ['crane', 'v0.22.1', undefined],
  ['buildkitd', 'buildkitd github.com/moby/buildkit v0.34.2', undefined],
  ['rootlesskit', 'rootlesskit version 2.3.6', undefined],
  ['rclone', 'rclone v1.76.0\n- os/version: debian', undefined],
  ['coredns', 'CoreDNS-1.15.0\nlinux/amd64, go1.26.8, ', undefined],
  ['rclone', 'rclone v1.60.1-DEV', 'it is version 1.60.1-DEV, not 1.65 or newer'],
])('%s that says "%s"', (name, output, wrong) => {
  expect(nodeTools.find((tool) => tool.name === name)?.unfit(output)).toBe(wrong)
})

test('all binaries of a node that cannot be found are listed together', async () => {
  const nowhere = { name: 'PATH', find: async () => Promise.reject(new Error('not there')) }
  await expect(findIn([nowhere], nodeTools)).rejects.toThrow(/ {2}kubelet\n[\s\S]* {2}rclone\n/)
})
