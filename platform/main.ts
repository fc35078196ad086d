#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander'
import { runProgram } from '../terminal/program.ts'

/**
 * `npm run up`, `down`, `binaries` and `images`. They are not commands of cli/main.ts, because the
 * image contains that but not the platform.
 */

const program = new Command('npm run')
  .description('A development platform on this machine: npm run up, npm run down.')
  .exitOverride()
  .showHelpAfterError()

function nodeCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > 100)
    throw new InvalidArgumentError('it must be a whole number from 1 to 100.')
  return count
}

const set = (code: number): void => {
  process.exitCode = code
}

/** A watch that the API server has not answered cannot be aborted, and would keep the process for half a minute. */
const finish = (code: number): void => process.exit(code)

program
  .command('up')
  .description(
    'A real control plane with simulated GPU nodes on this machine, and the examples on it.',
  )
  .usage('-- [options]')
  .option('--dir <folder>', 'where it keeps its state')
  .option('--nodes <count>', 'how many simulated GPU nodes; default 2', nodeCount)
  .option('--node', 'a real node on this machine: Linux, and root')
  .option('--examples <folder>', 'what to apply')
  .action(async (options) => finish(await (await import('./up.ts')).up(options)))

program
  .command('down')
  .description('End what up started, and remove its state.')
  .usage('-- [options]')
  .option('--dir <folder>', 'where it keeps its state')
  .action(async (options) => set(await (await import('./down.ts')).down(options)))

program
  .command('binaries')
  .description('Download or build the programs that up and the tests run, into the cache.')
  .usage('-- [options]')
  .option('--node', 'also those of a real node, and kube-state-metrics; some must be built with Go')
  .action(async (options) => set(await (await import('./binaries/prepare.ts')).prepare(options)))

program
  .command('images')
  .description('Build the three images, and push them to PREFIX/substratus, -loader and -builder.')
  .option('--push <prefix>', 'where to push them: registry.example.com/tools')
  .option('--tag <tag>', 'their tag; by default the version of this release')
  .option(
    '--platform <list>',
    'the platforms to build for; any other than this machine’s needs an emulator (QEMU)',
    'linux/amd64,linux/arm64',
  )
  .option('--base <image>', 'another base image: any Debian with Node.js 24.14 or newer')
  .option('--buildkit <image>', 'another image with rootless BuildKit')
  .option('--insecure', 'the registry speaks plain HTTP')
  .option('--context <folder>', 'only write what the Dockerfile needs to a new folder')
  .action(async (options) => set(await (await import('./images/push.ts')).imagesCommand(options)))

await runProgram(program)
