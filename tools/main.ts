import { useNetwork } from './network.ts'
import { optionsOf } from './options.ts'
import { lastProgress } from './progress.ts'
import { cleaned } from './redact.ts'
import { fail } from './report.ts'

/**
 * The programs of the project's own images: `main.ts PROGRAM --name=value …`. They need only Node.js,
 * git, BuildKit, rclone and huggingface_hub, so an image is a base plus this folder.
 */
const programs: Readonly<Record<string, () => Promise<typeof import('./seal.ts')['main']>>> = {
  clone: async () => (await import('./clone.ts')).main,
  build: async () => (await import('./build.ts')).main,
  package: async () => (await import('./package.ts')).main,
  load: async () => (await import('./load.ts')).main,
  seal: async () => (await import('./seal.ts')).main,
  idle: async () => (await import('./idle.ts')).main,
  relay: async () => (await import('./relay.ts')).main,
}

// Credentials are removed from everything that this process prints.
for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream) as (text: unknown, ...more: unknown[]) => boolean
  stream.write = (text: unknown, ...more: unknown[]) =>
    write(typeof text === 'string' ? cleaned(text) : text, ...more)
}
process.on('uncaughtException', (error) => {
  fail(error)
  process.exit()
})

/** They have the push credentials, so their network is the administrator's. */
const pushing = ['build', 'package']

const [name = '', ...words] = process.argv.slice(2)
// Behind init.sh this is not needed. In an image that starts it directly, it would ignore the kubelet's SIGTERM.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(143))
try {
  const program = programs[name]
  if (!program) throw new Error(`"${name}" is none of ${Object.keys(programs).join(', ')}`)
  useNetwork(pushing.includes(name) ? 'builder.env of the configuration' : 'spec.env')
  await (await program())(optionsOf(words))
  await lastProgress()
} catch (error) {
  fail(error)
}
// A full pipe takes what was printed only after a while.
for (const stream of [process.stdout, process.stderr])
  await new Promise<void>((resolve) => stream.write('', () => resolve()))
// The search for the host of a report may take 20 s more, and nobody waits for that report.
process.exit()
