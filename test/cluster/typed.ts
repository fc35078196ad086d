import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { modulePath } from '../../terminal/root.ts'

/** `up` and `down` as a person types them, in a separate folder. */

interface Started {
  readonly child: ChildProcess
  readonly output: () => string
  readonly code: Promise<number | string | null>
  readonly untilOutput: (expected: string, seconds?: number) => Promise<void>
}

export function ownFolder() {
  const home = mkdtempSync(join(tmpdir(), 'substratus-up-'))
  const dir = join(home, 'up')

  const start = (command: 'up' | 'down', ...args: readonly string[]): Started => {
    const child = spawn(process.execPath, [
      modulePath('platform/main'),
      command,
      '--dir',
      dir,
      ...args,
    ])
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => {
        text += data
      })
    const code = new Promise<number | string | null>((done) =>
      child.on('close', (code, signal) => done(code ?? signal)),
    )
    const untilOutput = async (expected: string, seconds = 60) => {
      const end = Date.now() + seconds * 1000
      while (!text.includes(expected)) {
        if (Date.now() > end) throw new Error(`never printed "${expected}":\n${text}`)
        await sleep(20)
      }
    }
    return { child, output: () => text, code, untilOutput }
  }

  return {
    home,
    dir,
    start,
    run: async (command: 'up' | 'down', ...args: readonly string[]) => {
      const started = start(command, ...args)
      return { code: await started.code, output: started.output() }
    },
    /** Command lines that contain the folder: the processes that `up` left running. */
    processes: (): readonly string[] =>
      execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line.includes(dir)),
    remove: () => rmSync(home, { recursive: true }),
  }
}
