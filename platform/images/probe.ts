import { goArch } from '../binaries/catalog.ts'
import type { Build } from './buildkit.ts'
import { probeStage } from './targets.ts'

/**
 * Runs a program of each platform, so that a missing emulator or base image is reported before anything
 * is compiled. A builder's list of platforms does not tell: moby/buildkit has emulators that it does not
 * list.
 */
export async function probe(
  build: (one: Build) => Promise<void>,
  { image: _, ...one }: Build,
  progress: (line: string) => void,
): Promise<void> {
  const lines: string[] = []
  const onLine = (line: string) => {
    lines.push(line)
    progress(line)
  }
  try {
    await build({ ...one, target: probeStage, onLine })
  } catch (error) {
    const platforms = one.platforms?.filter((platform) => platform !== own) ?? []
    const refused = lines.some((line) => line.includes('exec format error'))
    throw refused && platforms.length ? new Error(noEmulator(platforms)) : error
  }
}

const own = `linux/${goArch()}`

/** The error if programs of these platforms do not run. */
const noEmulator = (platforms: readonly string[]): string =>
  `programs for ${platforms.join(', ')} do not run on this machine: install an emulator (on Debian, the package "qemu-user-static"), or build only for this machine with --platform ${own}`
