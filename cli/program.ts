import { basename } from 'node:path'
import { Command, Option } from 'commander'
import { portOf } from '../terminal/port.ts'
import { seeUsage } from '../terminal/usage.ts'
import { version } from '../terminal/version.ts'
import { deeds } from '../view/deeds.ts'
import { stages } from '../view/own.ts'

// Commands are loaded when they are called: the Kubernetes client alone takes half a second.

/** kubectl starts a plugin by its name; the image starts the same program. */
const isPlugin = basename(process.argv[1] ?? '').startsWith('kubectl-')

export const program = new Command(isPlugin ? 'kubectl substratus' : 'substratus')
  .description(
    'From a Git repository to a served model on Kubernetes: look at the objects, and act on them.',
  )
  .version(version, '--version', 'print the version of this program')
  .exitOverride()
  // The whole help would push the error off the screen.
  .showHelpAfterError(seeUsage)

const set = (code: number): void => {
  process.exitCode = code
}

/** Watches and idle connections would keep the process. */
const finish = (code: number): void => process.exit(code)

/** Repeatable as in kubectl, and with several values, as a shell expands a pattern. */
const filenames = ['-f, --filename <path...>', 'files, folders, or - for standard input'] as const

/** The options by which kubectl finds a cluster. */
const inCluster = (command: Command): Command =>
  command
    .option('-n, --namespace <name>', 'the namespace; default that of the context')
    .option('--context <name>', 'the context of the kubeconfig to use')
    .option('--kubeconfig <file>', 'the kubeconfig; default KUBECONFIG, then ~/.kube/config')

const anObject = ['[object...]', 'KIND NAME or KIND/NAME, as in kubectl'] as const
const objects = ['[object...]', 'KIND NAME… or KIND/NAME…, as in kubectl'] as const

program.commandsGroup('Look:')

inCluster(program.command('tree'))
  .description('What an object was made from, and what was made from it; or all of them.')
  .argument(...anObject)
  .option('-A, --all-namespaces', 'the objects of all namespaces')
  .addOption(new Option('-o, --output <format>', 'for programs').choices(['json', 'dot']))
  .action(async (words, options) =>
    set(await (await import('./tree.ts')).treeCommand(words, options)),
  )

inCluster(program.command('why'))
  .description('Why an object is as it is: the chain of causes, and the command that helps.')
  .argument(...objects)
  .action(async (words, options) =>
    set(await (await import('./why.ts')).whyCommand(words, options)),
  )

inCluster(program.command('logs'))
  .description('The log of the stage under way, or of the last one.')
  .argument(...anObject)
  .option('-f, --follow', 'follow it, from stage to stage')
  .addOption(new Option('--stage <stage>', 'the log of this stage').choices(stages))
  .action(async (words, options) =>
    finish(await (await import('./logs.ts')).logsCommand(words, options)),
  )

inCluster(program.command('watch'))
  .description('A live table of all objects; to a pipe, a line for each change.')
  .argument('[kinds...]', 'only these kinds')
  .option('-A, --all-namespaces', 'the objects of all namespaces')
  .action(async (words, options) =>
    finish(await (await import('./watch.ts')).watchCommand(words, options)),
  )

inCluster(program.command('ui'))
  .description('Show the objects of a namespace on a page in your browser.')
  .option('--port <number>', 'the local port; default 8899, or a free one', portOf)
  .option('--no-browser', 'print the address, with the token, instead of opening it')
  .addHelpText(
    'after',
    `
This command serves the page until Ctrl-C, with your own rights; nothing runs in the cluster. Other machines
cannot connect. Other users of this machine, and other web pages, do not know the token in the address.`,
  )
  .action(async (options) => finish(await (await import('./ui.ts')).uiCommand(options)))

program.commandsGroup('Act:')

const deedWords = {
  rerun: 'Run the finished stages of objects again.',
  suspend: 'Stop what objects run; what they have stored remains.',
  resume: 'Continue suspended objects, or wake idle ones.',
  rollout: 'Replace the Pods of ModelServers whose update is pending.',
} as const

for (const deed of deeds)
  inCluster(program.command(deed))
    .description(deedWords[deed])
    .argument(...objects)
    .action(async (words, options) =>
      set(await (await import('./change.ts')).changeCommand(deed, words, options)),
    )

program
  .command('open')
  .description('Open a Notebook or a ModelServer in your browser, or all models at one address.')
  .helpOption(false)
  .allowUnknownOption()
  .argument('[words...]')
  .action(async (words) =>
    (await import('../open/program.ts')).openProgram(words, 'kubectl substratus open'),
  )

inCluster(program.command('token <serviceaccount>'))
  .description(
    'Print a key for the gateway, and the commands that grant its ServiceAccount a missing right.',
  )
  .option('--hours <hours>', 'how long it is valid; the cluster may shorten that', Number, 24)
  .action(async (name, options) =>
    set(await (await import('./token.ts')).tokenCommand(name, options)),
  )

program.commandsGroup('Check and convert files, without a cluster:')

program
  .command('render')
  .description('Print the children that objects would have, as YAML. Needs no cluster.')
  .requiredOption(...filenames)
  .option('--now', 'only the children that the first sync creates, instead of all')
  .option('--config <file>', 'the administrator’s configuration, YAML')
  .action(async (options) => set((await import('./render.ts')).renderCommand(options)))

program
  .command('validate')
  .description('Print the errors and warnings of admission, one per line. Needs no cluster.')
  .requiredOption(...filenames)
  .option('--config <file>', 'the administrator’s configuration, YAML')
  .action(async (options) => set((await import('./validate.ts')).validateCommand(options)))

program
  .command('convert')
  .description('Convert manifests of Substratus 0.9, and report what has changed.')
  .requiredOption(...filenames)
  .option('--config <file>', 'the administrator’s configuration, YAML')
  .action(async (options) => set((await import('./convert.ts')).convertCommand(options)))

program.commandsGroup('Serve, as the chart does:')

program
  .command('serve')
  .description('Answer Metacontroller’s hooks and the API server’s admission reviews.')
  .addOption(new Option('--http <host:port>', 'plain HTTP').conflicts('https'))
  .option('--https <host:port>', 'HTTPS, with --tls-cert and --tls-key')
  .option('--tls-cert <file>', 'the certificate, PEM')
  .option('--tls-key <file>', 'its key, PEM')
  .option('--config <file>', 'the administrator’s configuration, YAML')
  .option(
    '--hook-token-file <file>',
    'the hooks require one of the tokens in this file, one per line',
  )
  .option(
    '--admission-path-file <file>',
    'a file with the secret segments of the admission path, one per line',
  )
  .option(
    '--progress <host:port>',
    'where work reports its progress, plain HTTP; with --progress-url and --hook-token-file',
  )
  .option('--progress-url <url>', 'how Pods reach that address: http://HOST:PORT')
  .option(
    '--kubeconfig <file>',
    'the cluster in which to look up references and Pods, or "in-cluster"',
  )
  .action(async (options) => set(await (await import('./serve.ts')).serveCommand(options)))

program
  .command('gateway')
  .description('One OpenAI-compatible address for the ModelServers of the cluster.')
  .addOption(new Option('--http <host:port>', 'plain HTTP').conflicts('https'))
  .option('--https <host:port>', 'HTTPS, with --tls-cert and --tls-key')
  .option('--tls-cert <file>', 'the certificate, PEM')
  .option('--tls-key <file>', 'its key, PEM')
  .option('--metrics <host:port>', 'where /metrics, /healthz and /readyz are', '127.0.0.1:9090')
  .requiredOption('--kubeconfig <file>', 'the cluster, or "in-cluster"')
  .option('--anonymous', 'answer anybody, without a key')
  .option('--accept-cluster-tokens', 'accept tokens of the cluster’s own audience as keys, too')
  .option('--hold-seconds <seconds>', 'how long a request waits for a server', Number, 600)
  .option('--answer-seconds <seconds>', 'how long an answer may take', Number, 3600)
  .option('--per-model <requests>', 'requests in progress for one model', Number, 500)
  .option('--max-body-mib <MiB>', 'the largest JSON body', Number, 32)
  .option('--max-form-mib <MiB>', 'the largest form, such as an upload', Number, 512)
  .option('--drain-seconds <seconds>', 'how long requests may take to end on SIGTERM', Number, 600)
  .action(async (options) => set(await (await import('./gateway.ts')).gatewayCommand(options)))

program
  .command('controllers')
  .description(
    'Print the CompositeControllers for a server outside the cluster, for kubectl apply.',
  )
  .requiredOption('--url <url>', 'where Metacontroller reaches the server')
  .option('--ca <file>', 'the CA of the server’s certificate, PEM')
  .option(
    '--token-secret <namespace/name>',
    'the Secret whose key "token" has the token that the hooks require',
  )
  .option('--revision <word>', 'a new value makes Metacontroller read CA and token again')
  .option('--dra', 'the cluster serves resource.k8s.io/v1: GPU profiles may name a DeviceClass')
  .action(async (options) => set((await import('./controllers.ts')).controllersCommand(options)))

program
  .command('renew-certificate')
  .description('Renew the server’s certificate with the same CA, as the chart’s CronJob does.')
  .requiredOption('--namespace <name>', 'where the Secrets are')
  .requiredOption('--ca <secret>', 'the Secret of the CA: tls.crt and tls.key')
  .requiredOption('--secret <name>', 'the Secret of the certificate, which is updated')
  .requiredOption('--name <names...>', 'DNS names and IPv4 addresses of the server')
  .requiredOption('--days <days>', 'how long the new certificate is valid', Number)
  .option('--kubeconfig <file>', 'the cluster; without it, that of the Pod this runs in')
  .action(async (options) => set(await (await import('../install/renew.ts')).renewCommand(options)))

program
  .command('try')
  .description('Create a suspended object of each kind, and wait for the hooks, as helm test does.')
  .requiredOption('--namespace <name>', 'where to create them')
  .option('--timeout <seconds>', 'how long each may take', Number, 60)
  .option('--kubeconfig <file>', 'the cluster; without it, that of the Pod this runs in')
  .action(async (options) => set(await (await import('../install/try.ts')).tryCommand(options)))

program.commandsGroup('Help:').helpCommand(true)

// The same image runs them; they parse their arguments themselves.
for (const name of ['seal', 'idle', 'relay'])
  program
    .command(name, { hidden: true })
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => import('../tools/main.ts').then(() => {}))
