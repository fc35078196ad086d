#!/usr/bin/env node
import { Command, Option } from 'commander'
import { runProgram } from '../terminal/program.ts'

// Commands are loaded when they are called: the Kubernetes client alone takes half a second.

const program = new Command('substratus')
  .description('From a Git repository to a served model: the hooks and webhooks of Substratus.')
  .exitOverride()
  .showHelpAfterError()

const set = (code: number): void => {
  process.exitCode = code
}

program
  .command('serve')
  .description('Answer Metacontroller’s hooks and the API server’s admission reviews.')
  .addOption(new Option('--http <host:port>', 'plain HTTP').conflicts('https'))
  .option('--https <host:port>', 'HTTPS, with --tls-cert and --tls-key')
  .option('--tls-cert <file>', 'the certificate, PEM')
  .option('--tls-key <file>', 'its key, PEM')
  .option('--config <file>', 'the administrator’s configuration, YAML')
  .option('--hook-token-file <file>', 'the hooks ask for a token out of this file, one a line')
  .option(
    '--admission-path-file <file>',
    'a file with the secret segments of the admission path, one per line',
  )
  .option('--kubeconfig <file>', 'the cluster to look references and Pods up in, or "in-cluster"')
  .action(async (options) => set(await (await import('./serve.ts')).serveCommand(options)))

program
  .command('render')
  .description('Print the children that objects would have, as YAML. Needs no cluster.')
  .requiredOption('-f, --filename <path>', 'a file, a folder, or - for standard input')
  .option('--now', 'only the first answer, instead of the whole life')
  .option('--config <file>', 'the administrator’s configuration, YAML')
  .action(async (options) => set((await import('./render.ts')).renderCommand(options)))

program
  .command('validate')
  .description('Say what admission would say, line by line. Needs no cluster.')
  .requiredOption('-f, --filename <path>', 'a file, a folder, or - for standard input')
  .option('--config <file>', 'the administrator’s configuration, YAML')
  .action(async (options) => set((await import('./validate.ts')).validateCommand(options)))

program
  .command('convert')
  .description('Print manifests of Substratus 0.9 as they are here, and say what has changed.')
  .requiredOption('-f, --filename <path>', 'a file, a folder, or - for standard input')
  .option('--config <file>', 'the administrator’s configuration, YAML')
  .action(async (options) => set((await import('./convert.ts')).convertCommand(options)))

program
  .command('controllers')
  .description(
    'Print the CompositeControllers for a server outside the cluster, for kubectl apply.',
  )
  .requiredOption('--url <url>', 'where Metacontroller reaches the server')
  .option('--ca <file>', 'the CA of the server’s certificate, PEM')
  .option('--token-secret <namespace/name>', 'the Secret whose key "token" the hooks ask for')
  .option('--revision <word>', 'another one lets Metacontroller read CA and token again')
  .option('--dra', 'the cluster serves resource.k8s.io/v1: GPU profiles may name a DeviceClass')
  .action(async (options) => set((await import('./controllers.ts')).controllersCommand(options)))

program
  .command('renew-certificate')
  .description('What the chart’s CronJob runs: a new certificate for the server, of the same CA.')
  .requiredOption('--namespace <name>', 'where the Secrets are')
  .requiredOption('--ca <secret>', 'the Secret of the CA: tls.crt and tls.key')
  .requiredOption('--secret <name>', 'the Secret of the certificate, which gets the new one')
  .requiredOption('--name <names...>', 'DNS names and IPv4 addresses of the server')
  .requiredOption('--days <days>', 'how long it is to be good for', Number)
  .option('--kubeconfig <file>', 'the cluster; without it, that of the Pod this runs in')
  .action(async (options) => set(await (await import('../install/renew.ts')).renewCommand(options)))

program
  .command('try')
  .description('What helm test runs: one suspended object of each kind, until the hooks answered.')
  .requiredOption('--namespace <name>', 'where')
  .option('--timeout <seconds>', 'how long each may take', Number, 60)
  .option('--kubeconfig <file>', 'the cluster; without it, that of the Pod this runs in')
  .action(async (options) => set(await (await import('../install/try.ts')).tryCommand(options)))

await runProgram(program)
