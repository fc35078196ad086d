import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeCache } from '../../platform/binaries/cache.ts'
import { command } from '../../platform/command.ts'
import { root } from '../../terminal/root.ts'

/**
 * A folder with a small language model, and beside it vLLM and its packages: they are too large for an
 * image that every run would unpack. It is made once; from nothing that takes about ten minutes.
 */
export async function modelWithVllm(progress: (line: string) => void): Promise<string> {
  const requirements = join(root, 'test/vllm/requirements.txt')
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const folder = join(nodeCache(process.env), `vllm-${hash}`)
  const packages = join(folder, 'site-packages')
  const installed = join(packages, 'vllm-0.32.0+cpu.dist-info')
  if (!existsSync(installed)) {
    progress('installing vLLM, which takes some minutes')
    await command('pip3', [
      ...['install', '--quiet', '--require-hashes', '--no-deps', '--only-binary=:all:'],
      ...['--python-version', '3.11', '--target', packages, '--requirement', requirements],
    ])
    // vLLM looks its own version up under this name.
    mkdirSync(installed)
    const metadata = 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n'
    writeFileSync(join(installed, 'METADATA'), metadata)
  }
  if (!existsSync(join(folder, 'model.safetensors'))) {
    const program = join(root, 'test/vllm/tinymodel.py')
    await command('python3', [program, folder, join(root, 'LICENSE')], {
      env: { ...process.env, PYTHONPATH: packages },
    })
    await command('chmod', ['-R', 'a+rX', folder])
  }
  return folder
}
