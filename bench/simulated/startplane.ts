import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConfigFile } from '../../crds/config.ts'
import { type Platform, startPlatform } from '../../platform/platform.ts'
import { bundleInto, imageFlags } from '../built.ts'

/** Enough for every Pod that runs at a time. */
const nodes = 10

interface Simulated {
  readonly platform: Platform
  readonly stop: () => Promise<void>
}

interface Wanted {
  readonly config: ConfigFile
  /** Metacontroller's. */
  readonly workers: number
  readonly qps: number
  readonly progress: (line: string) => void
}

/** A control plane with simulated nodes, and the server as its image runs it. */
export async function startSimulated(wanted: Wanted): Promise<Simulated> {
  const { config, workers, qps, progress } = wanted
  const compiled = mkdtempSync(join(tmpdir(), 'substratus-built-'))
  const removeCompiled = () => rmSync(compiled, { recursive: true })
  try {
    const platform = await startPlatform({
      dir: mkdtempSync(join(tmpdir(), 'substratus-bench-')),
      nodes,
      progress,
      config,
      rate: 1000,
      server: [...imageFlags(), await bundleInto(compiled)],
      controllerFlags: [
        `--workers=${workers}`,
        `--client-go-qps=${qps}`,
        `--client-go-burst=${2 * qps}`,
      ],
    })
    const stop = () => platform.stop().finally(removeCompiled)
    // Its processes outlive this one.
    process.once('SIGINT', () => void stop().finally(() => process.exit(130)))
    return { platform, stop }
  } catch (error) {
    removeCompiled()
    throw error
  }
}
