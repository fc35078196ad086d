import { join } from 'node:path'
import { stopPlatform } from './platform.ts'
import { recordsOf } from './processes.ts'
import { dirOf, endStarter, exists } from './state.ts'

interface DownOptions {
  /** The state folder of `up`. */
  readonly dir?: string
  readonly output?: { readonly write: (text: string) => unknown }
}

/** Stops what `up` started, even while it is still starting, and removes its state. */
export async function down({ dir, output = process.stdout }: DownOptions = {}): Promise<number> {
  const folder = dirOf(dir)
  const starting = await endStarter(folder)
  if (!exists(folder)) {
    output.write(starting ? `ended the start in ${folder}\n` : `nothing runs in ${folder}\n`)
    return 0
  }
  const count = recordsOf(folder).length
  await stopPlatform(folder)
  output.write(`ended ${count} processes and removed ${folder}\n`)
  if (process.env.KUBECONFIG?.startsWith(join(folder, '/')))
    output.write('KUBECONFIG named a file in it: unset KUBECONFIG\n')
  return 0
}
