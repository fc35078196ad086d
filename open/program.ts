import { createInterface } from 'node:readline'
import { Command, CommanderError } from 'commander'
import { printable } from '../crds/text.ts'
import { portOf } from '../terminal/port.ts'
import { seeUsage, usageCode } from '../terminal/usage.ts'
import { version } from '../terminal/version.ts'
import { areModels, targetOf } from './target.ts'

/** Exit codes: 0; 1 if it cannot be opened; 2 for wrong usage; 130, as in a shell, for two Ctrl-C. */
const interruptedCode = 130

const programNamed = (called: string): Command =>
  new Command(called)
    .description(
      'Open a Notebook or a ModelServer of Substratus in your browser, or all models at one address.',
    )
    .usage(`(notebook | modelserver) NAME [options]\n       ${called} models [options]`)
    .argument('[words...]')
    .option('-n, --namespace <name>', 'its namespace; default that of the context')
    .option('--context <name>', 'the context of the kubeconfig to use')
    .option('--kubeconfig <file>', 'the kubeconfig; default KUBECONFIG, then ~/.kube/config')
    .option('--port <number>', 'the local port; default 8888 or 8080, or a free one', portOf)
    .option('--no-browser', 'print the address, with the token, instead')
    .option('--suspend', 'suspend it, and end')
    .version(version, '--version', 'print the version of this program')
    .addHelpText(
      'after',
      `
notebook/NAME, nb NAME and mserver NAME are accepted, too. "models" opens one OpenAI-compatible address for
all ModelServers of the namespace; a request to an idle one wakes it.

A suspended or idle notebook or modelserver is resumed or woken. Ctrl-C ends, and asks
whether to suspend a notebook or to leave it running; a second Ctrl-C leaves it running. Other machines
cannot connect: the port is on loopback, and is forwarded as kubectl port-forward does.`,
    )
    .allowExcessArguments()
    .exitOverride()

/** A signal ends the process at once unless something is waiting for it. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const waiting: ((signal: NodeJS.Signals) => void)[] = []
const interrupted = () => new Promise<NodeJS.Signals>((resolve) => waiting.push(resolve))

function catchSignals(): void {
  for (const signal of signals)
    process.on(signal, () => {
      const first = waiting.shift()
      if (first) first(signal)
      else process.exit(interruptedCode)
    })
}

/** At the end of input, Ctrl-D, the answer is empty. */
const ask = (question: string) =>
  new Promise<string>((resolve) => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    terminal.on('SIGINT', () => {
      terminal.close()
      process.emit('SIGINT')
    })
    terminal.on('close', () => resolve(''))
    terminal.question(question, (answer) => {
      resolve(answer)
      terminal.close()
    })
  })

async function runModels(program: Command): Promise<number> {
  const { port, suspend, ...options } = program.opts()
  if (suspend)
    return program.error('error: --suspend is for one object: kubectl open modelserver NAME', {
      exitCode: usageCode,
    })
  const [{ openModels }, { clusterOf }] = await Promise.all([
    import('./models.ts'),
    import('../cluster/kubeconfig.ts'),
  ])
  const { stdout, stderr } = process
  return openModels({ cluster: clusterOf(options), port }, { stdout, stderr, interrupted })
}

async function run(program: Command, args: readonly string[]): Promise<number> {
  program.parse(args, { from: 'user' })
  if (areModels(program.args)) return runModels(program)
  const target = targetOf(program.args)
  if ('wrong' in target)
    return program.error(`error: ${target.wrong}\n${seeUsage}`, {
      exitCode: usageCode,
    })
  const options = program.opts()
  // Loaded only now: the Kubernetes client alone takes half a second.
  const [{ open }, { browse }, { clusterOf }] = await Promise.all([
    import('./open.ts'),
    import('./browser.ts'),
    import('../cluster/kubeconfig.ts'),
  ])
  const { port, browser, suspend = false } = options
  return open(
    { target, cluster: clusterOf(options), browser, suspend, port },
    {
      stdout: process.stdout,
      stderr: process.stderr,
      isInteractive: process.stdin.isTTY === true && process.stderr.isTTY === true,
      ask,
      interrupted,
      browse,
      now: () => new Date().toISOString(),
    },
  )
}

/** Runs the arguments, and ends the process. `called` is the name by which it was started. */
export async function openProgram(args: readonly string[], called: string): Promise<never> {
  catchSignals()
  try {
    // Idle connections to the API server would keep the process for a while.
    process.exit(await run(programNamed(called), args))
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : usageCode)
    console.error(`error: ${printable(error instanceof Error ? error.message : String(error))}`)
    process.exit(1)
  }
}
