import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { printable } from '../crds/text.ts'

/** Exit codes: 0; 1 if the page cannot be shown; 2 for wrong usage. */
const usageError = 2

const program = new Command('kubectl substratus ui')
  .description(
    'Show the Datasets, Models, ModelServers and Notebooks of a namespace in your browser.',
  )
  .option('-n, --namespace <name>', 'the namespace; default that of the context')
  .option('--context <name>', 'the context of the kubeconfig to use')
  .option('--kubeconfig <file>', 'the kubeconfig; default KUBECONFIG, then ~/.kube/config')
  .option('--port <number>', 'the local port; default 8899, or a free one', portOf)
  .option('--no-browser', 'print the address, with the token, instead')
  .addHelpText(
    'after',
    `
The page is served by this command, until Ctrl-C, with your own rights: nothing runs in the cluster. Other
machines cannot connect, and other users and web pages of this one lack the token in the address.`,
  )
  .exitOverride()

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new InvalidArgumentError('a port is 0 to 65535.')
  return port
}

const interrupted = () =>
  new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve)
  })

async function run(): Promise<number> {
  program.parse()
  const { port, browser, ...options } = program.opts()
  // Loaded only now: the Kubernetes client alone takes half a second.
  const [{ ui }, { builtPage }, { browse }, { clusterOf }] = await Promise.all([
    import('./ui.ts'),
    import('./files.ts'),
    import('../open/browser.ts'),
    import('../cluster/kubeconfig.ts'),
  ])
  const { stdout, stderr } = process
  return ui(
    { cluster: clusterOf(options), port, browser, page: builtPage },
    { stdout, stderr, interrupted, browse, now: () => new Date().toISOString() },
  )
}

try {
  // Idle connections to the API server would keep the process for a while.
  process.exit(await run())
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : usageError)
  console.error(`error: ${printable(error instanceof Error ? error.message : String(error))}`)
  process.exit(1)
}
