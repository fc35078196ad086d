import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { stringify } from 'yaml'
import { startControlPlane } from '../../platform/controlplane/controlplane.ts'
import { type Figure, writeJson } from '../figures.ts'
import { alone } from './alone.ts'
import { compared } from './compared.ts'
import { build, type Started, startBare, startServer } from './processes.ts'

/**
 * What admission costs at a real API server, beside webhooks that only allow; then the server alone. It
 * is compiled, and runs with the flags of its image.
 */

const options = new Command('bench:admission')
  .description('Dry-run creations through our webhooks, beside webhooks that only allow.')
  .option('--json <file>', 'write [{name, value, unit, target, met}]')
  .option('--rounds <number>', 'how often each is measured', Number, 10)
  .option('--seconds <number>', 'how long each measurement takes', Number, 3)
  .option('--requests <number>', 'how many requests the server alone answers', Number, 200_000)
  .parse()
  .opts<{ json?: string; rounds: number; seconds: number; requests: number }>()

const config = {
  registry: { prefix: 'registry.example.com/substratus' },
  gpus: { profiles: { 'nvidia-l4': { resourceName: 'nvidia.com/gpu' } } },
}

async function measure(folder: string): Promise<readonly Figure[]> {
  const progress = (line: string) => console.error(line)
  progress('compiling the server')
  await build(folder)
  const plane = await startControlPlane({ dir: join(folder, 'plane'), nodes: 1, progress })
  // Its processes outlive this one.
  process.once('SIGINT', () => void plane.stop().finally(() => process.exit(130)))
  const started: Started[] = []
  const running = async (starting: Promise<Started>) => {
    const one = await starting
    started.push(one)
    return one
  }
  try {
    const { ca, hooks } = plane.pki
    const files = { folder, ca: ca.cert, ...hooks }
    const file = join(folder, 'config.yaml')
    writeFileSync(file, stringify(config))
    const args = ['--config', file, '--kubeconfig', plane.kubeconfig]
    const ours = await running(startServer(files, args))
    const bare = await running(startBare(files))
    progress('measuring creations')
    const figures = await compared(plane, { ours: ours.url, bare: bare.url }, options)
    await bare.stop()
    await ours.stop()
    progress('measuring the server alone')
    const server = await running(startServer(files, args))
    return [...figures, ...(await alone(server, ca.cert, options.requests))]
  } finally {
    for (const one of started) await one.stop()
    await plane.stop()
  }
}

const row = ({ name, value, unit, target, met }: Figure): string =>
  [
    name.padEnd(58),
    String(value).padStart(9),
    unit.padEnd(11),
    String(target ?? '').padStart(6),
    met === null ? '' : met ? 'yes' : 'no',
  ]
    .join(' ')
    .trimEnd()

const folder = mkdtempSync(join(tmpdir(), 'substratus-bench-'))
try {
  const figures = await measure(folder)
  console.log(`${''.padEnd(80)}target met`)
  for (const one of figures) console.log(row(one))
  if (options.json) writeJson(options.json, figures)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
