import { optionsOf } from './options.ts'
import { fail } from './report.ts'

/**
 * The programs of the project's own images: `main.ts PROGRAM --name=value …`. They stand alone, on
 * Node.js, git, BuildKit, rclone and huggingface_hub, so that an image is a base and this folder.
 */
const programs: Readonly<Record<string, () => Promise<typeof import('./seal.ts')['main']>>> = {
  clone: async () => (await import('./clone.ts')).main,
  build: async () => (await import('./build.ts')).main,
  package: async () => (await import('./package.ts')).main,
  load: async () => (await import('./load.ts')).main,
  seal: async () => (await import('./seal.ts')).main,
  idle: async () => (await import('./idle.ts')).main,
}

const [name = '', ...words] = process.argv.slice(2)
// The kubelet's SIGTERM ends a program at once: as the first process of a container it has no default.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(143))
try {
  const program = programs[name]
  if (!program) throw new Error(`"${name}" is none of ${Object.keys(programs).join(', ')}`)
  await (await program())(optionsOf(words))
} catch (error) {
  fail(error)
}
