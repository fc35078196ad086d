import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { modulePath } from '../../terminal/root.ts'
import type { NodeBinaries } from '../binaries/find.ts'
import { issue } from '../controlplane/pki.ts'
import { launch, waitUntil } from '../processes.ts'
import {
  gitHttpsUrl,
  gitSshUrl,
  gitUrl,
  nodeAddress,
  portOf,
  registryHost,
  s3Key,
  s3Url,
} from './addresses.ts'
import type { GitServing } from './gitserver.ts'
import { prepareSsh } from './gitssh.ts'
import { programNamed } from './requirements.ts'

/** The external services of a cluster: a registry, a Git server and an S3 server, all in the node's folder. */

interface Services {
  readonly dir: string
  readonly folder: string
  readonly binaries: NodeBinaries
  readonly signal?: AbortSignal
}

const answers = (url: string) => (): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  )

export async function startRegistry({ dir, folder, binaries, signal }: Services): Promise<void> {
  const disk = join(folder, 'registry')
  mkdirSync(disk)
  const args = ['registry', 'serve', '--address', registryHost, '--disk', disk]
  const record = launch({ dir, name: 'registry', file: binaries.crane, args, signal })
  await waitUntil(dir, record, answers(`http://${registryHost}/v2/`), { signal, seconds: 20 })
}

export async function startGitServer({ dir, folder, signal }: Services): Promise<void> {
  const repositories = join(folder, 'git')
  mkdirSync(repositories)
  const serving: GitServing = {
    folder: repositories,
    address: nodeAddress,
    http: portOf(gitUrl),
    https: {
      port: portOf(gitHttpsUrl),
      ...(await issue(join(dir, 'pki'), 'git', { commonName: 'git' }, [nodeAddress])),
    },
    ssh: {
      port: portOf(gitSshUrl),
      // sshd re-executes itself for each connection, and so requires an absolute path.
      sshd: programNamed('sshd') ?? 'sshd',
      config: await prepareSsh(folder, repositories),
    },
  }
  const record = launch({
    dir,
    name: 'git',
    file: process.execPath,
    args: [modulePath('platform/node/gitserver'), JSON.stringify(serving)],
    signal,
  })
  await waitUntil(dir, record, answers(gitUrl), { signal, seconds: 20 })
}

export async function startBuckets({ dir, folder, binaries, signal }: Services): Promise<void> {
  const buckets = join(folder, 's3')
  mkdirSync(buckets)
  const record = launch({
    dir,
    name: 's3',
    file: binaries.rclone,
    args: [
      'serve',
      's3',
      `--addr=${new URL(s3Url).host}`,
      // Tests write into the folder directly. With 0 instead, a timer per folder would spin and take
      // a whole core.
      '--dir-cache-time=500ms',
      `--auth-key=${s3Key.id},${s3Key.secret}`,
      buckets,
    ],
    env: { ...process.env, RCLONE_CONFIG: '/dev/null' },
    signal,
  })
  await waitUntil(dir, record, answers(s3Url), { signal, seconds: 20 })
}
