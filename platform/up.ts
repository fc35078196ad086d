import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { follow } from '../cluster/follow.ts'
import { kubeConfigOf } from '../cluster/kubeconfig.ts'
import { kinds } from '../crds/kinds.ts'
import { printable } from '../crds/text.ts'
import { root } from '../terminal/root.ts'
import { type Output, screenOf } from '../terminal/screen.ts'
import { allReady, tableLines } from '../terminal/table.ts'
import { kubernetesVersion } from './binaries/catalog.ts'
import { gitHttpsUrl, gitSshUrl, gitUrl, nodeName, registryHost, s3Url } from './node/addresses.ts'
import { nodeConfig } from './node/nodeconfig.ts'
import { type Platform, type PlatformOptions, runningPlatform, startPlatform } from './platform.ts'
import { dirOf, readState, writeState } from './state.ts'
import { watchUntilReady } from './untilready.ts'

interface UpOptions {
  /** The state folder. */
  readonly dir?: string
  /** How many simulated GPU nodes. */
  readonly nodes?: number
  /** Whether a real node runs: containers, builds, a registry, a Git server and an S3 server. */
  readonly node?: boolean
  /** A folder or file to apply; nothing if empty. */
  readonly examples?: string
  /** The server's configuration file. */
  readonly config?: string
  readonly controller?: PlatformOptions['controller']
  /** How many seconds the examples may take. */
  readonly timeout?: number
  readonly output?: Output
}

const interrupted = 130

/** Our own examples name public addresses, which the Pods of a real node do not reach. */
const examplesOf = ({ examples, node }: UpOptions): string => examples ?? (node ? '' : ourExamples)
const ourExamples = join(root, 'examples')

/** Nothing is pushed there, because no container runs. */
const pretendedRegistry = { registry: { prefix: 'registry.example.com/substratus' } }

/**
 * Starts the platform, applies the examples, and shows them until all are Ready. A platform that already
 * runs is reused. Ctrl-C during the start stops everything; afterwards it only stops the table.
 */
export async function up(options: UpOptions = {}): Promise<number> {
  const { output = process.stdout } = options
  const examples = examplesOf(options)
  if (examples && !existsSync(examples)) throw new Error(`"${examples}" does not exist`)
  const dir = dirOf(options.dir)
  const say = sayOn(output)
  const abort = new AbortController()
  const onSignal = () => abort.abort(new Error('interrupted'))
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal)
  try {
    const running = await runningPlatform(dir)
    if (running) say(`found what runs in ${dir}${otherNodes(running, options)}`)
    else say(`starting Kubernetes ${kubernetesVersion} in ${dir}`)
    const platform =
      running ??
      (await startPlatform({
        dir,
        progress: say,
        signal: abort.signal,
        config: options.config ?? (options.node ? nodeConfig : pretendedRegistry),
        ...(options.node && { realNode: true, nodes: 0 }),
        ...(options.nodes !== undefined && { nodes: options.nodes }),
        ...(options.controller && { controller: options.controller }),
      }))
    return await show(platform, options, output, abort.signal)
  } catch (error) {
    if (!abort.signal.aborted) throw error
    const left = await runningPlatform(dir)
    say(left ? `interrupted; it still runs. To end it: ${endWith(options)}` : 'interrupted; ended')
    return interrupted
  } finally {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, onSignal)
  }
}

const sayOn =
  (output: Output) =>
  (line: string): void =>
    void output.write(`${printable(line)}\n`)

async function show(
  platform: Platform,
  options: UpOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const { dir, kubectl, kubeconfig } = platform
  const say = sayOn(output)
  const { timeout = 300 } = options
  const examples = examplesOf(options)
  if (examples && !readState(dir, 'examples')) {
    say(`applying ${examples}`)
    await kubectl.applyFiles([examples], ['--recursive'])
    writeState(dir, 'examples', { examples })
  }
  say(`\n${header(platform)}\n`)
  say(`Waiting up to ${timeout} s until all objects are Ready. Ctrl-C stops the waiting only.\n`)
  const rows = await watchUntilReady({
    dir,
    followed: follow({ kubeConfig: kubeConfigOf(kubeconfig), kinds, signal }),
    show: screenOf(output),
    seconds: timeout,
  })
  const ready = allReady(rows)
  if (!ready) {
    say('\nnot Ready:')
    for (const line of tableLines(rows.filter((row) => row.ready !== 'True'))) say(line)
  }
  say(`\n${ready && rows.length ? 'All are Ready. ' : ''}To look around:`)
  say(`  export KUBECONFIG=${kubeconfig}`)
  say('  kubectl get ai --all-namespaces')
  say(`To end it: ${endWith(options)}`)
  return ready ? 0 : 1
}

const otherNodes = ({ nodes }: Platform, options: UpOptions): string =>
  options.nodes === undefined || options.nodes === nodes
    ? ''
    : `, with ${nodes} nodes: to have ${options.nodes}, first ${endWith(options)}`

const endWith = ({ dir }: UpOptions): string =>
  dir ? `npm run down -- --dir ${dir}` : 'npm run down'

const header = ({ nodes, controller, metacontroller, realNode }: Platform): string =>
  [
    `Kubernetes ${kubernetesVersion}, and ${
      controller === 'metacontroller'
        ? `Metacontroller (${metacontroller})`
        : 'the embedded runner, which stands in for Metacontroller: for development only'
    }.`,
    ...(realNode
      ? [
          `Its node "${nodeName}" is this machine: containers run, images are built and pushed to ${registryHost}.`,
          `Git repositories for it: git push ${gitUrl}/NAME.git; buckets: ${s3Url}.`,
          `Git also over ${gitHttpsUrl} (pki/ca.crt) and ${gitSshUrl} (node/ssh/client, node/ssh/known_hosts).`,
        ]
      : []),
    ...(nodes
      ? [
          `Its ${nodes} GPU nodes are simulated by KWOK: no container really runs, nothing is built, loaded`,
          'or trained, and Ready says only that every step was asked for and answered.',
          'kubectl logs, exec and port-forward do not work on them.',
        ]
      : []),
  ].join('\n')
